// Own kernels around cuFFT: precision in memory against precision in arithmetic, and the symmetry that irfft2 needs.
#pragma once

#include <cstdint>

#include <cuda_runtime_api.h>

namespace latx::fft
{

// Widens (FP16 -> FP32) or narrows (FP32 -> FP16) `count` values.
cudaError_t widen(void const* half_values, float* values, int64_t count, cudaStream_t stream);
cudaError_t narrow(float const* values, void* half_values, int64_t count, cudaStream_t stream);

// Copies (batch, height, width / 2 + 1) complex values as FP32 and makes the self-conjugate columns (0 and, for even
// widths, width / 2) symmetric: X(h) <- (X(h) + conj X(-h)) / 2. A spectrum deviates from that of a real image only
// there, and this is exactly the part that numpy.fft.irfft2 keeps, so a complex-to-real transform of the copy is
// defined whatever the caller gives.
cudaError_t symmetrise(void const* spectrum, bool is_half, float2* copy, int64_t batch, int32_t height, int32_t width,
    cudaStream_t stream);

} // namespace latx::fft
