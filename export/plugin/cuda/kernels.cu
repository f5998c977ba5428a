// The kernels of kernels.h. All are bound by memory traffic: one thread per value, neighbours beside each other.
#include "kernels.h"

#include <algorithm>

#include <cuda_fp16.h>

namespace latx::fft
{
namespace
{

constexpr int32_t THREADS = 256;
// Enough blocks to fill any GPU; the grid-stride loops take the rest.
constexpr int64_t MAX_BLOCKS = 65535;

uint32_t blocks_for(int64_t count)
{
    return static_cast<uint32_t>(std::min((count + THREADS - 1) / THREADS, MAX_BLOCKS));
}

__device__ int64_t first_index()
{
    return static_cast<int64_t>(blockIdx.x) * blockDim.x + threadIdx.x;
}

__device__ int64_t stride()
{
    return static_cast<int64_t>(gridDim.x) * blockDim.x;
}

__global__ void widen_kernel(__half const* __restrict__ from, float* __restrict__ to, int64_t count)
{
    for (int64_t i = first_index(); i < count; i += stride())
    {
        to[i] = __half2float(from[i]);
    }
}

__global__ void narrow_kernel(float const* __restrict__ from, __half* __restrict__ to, int64_t count)
{
    for (int64_t i = first_index(); i < count; i += stride())
    {
        to[i] = __float2half_rn(from[i]);
    }
}

__device__ float2 as_float2(float2 value)
{
    return value;
}

__device__ float2 as_float2(__half2 value)
{
    return __half22float2(value);
}

template <typename Pair>
__global__ void symmetrise_kernel(
    Pair const* __restrict__ from, float2* __restrict__ to, int64_t count, int32_t height, int32_t bins, int32_t nyquist)
{
    for (int64_t i = first_index(); i < count; i += stride())
    {
        int32_t const column = static_cast<int32_t>(i % bins);
        float2 value = as_float2(from[i]);
        if (column == 0 || column == nyquist)
        {
            int64_t const row = (i / bins) % height;
            int64_t const mirror_row = row == 0 ? 0 : height - row;
            float2 const mirror = as_float2(from[i + (mirror_row - row) * bins]);
            value.x = 0.5F * (value.x + mirror.x);
            value.y = 0.5F * (value.y - mirror.y);
        }
        to[i] = value;
    }
}

} // namespace

cudaError_t widen(void const* half_values, float* values, int64_t count, cudaStream_t stream)
{
    widen_kernel<<<blocks_for(count), THREADS, 0, stream>>>(static_cast<__half const*>(half_values), values, count);
    return cudaPeekAtLastError();
}

cudaError_t narrow(float const* values, void* half_values, int64_t count, cudaStream_t stream)
{
    narrow_kernel<<<blocks_for(count), THREADS, 0, stream>>>(values, static_cast<__half*>(half_values), count);
    return cudaPeekAtLastError();
}

cudaError_t symmetrise(void const* spectrum, bool is_half, float2* copy, int64_t batch, int32_t height, int32_t width,
    cudaStream_t stream)
{
    int32_t const bins = width / 2 + 1;
    int32_t const nyquist = width % 2 == 0 ? width / 2 : 0;
    int64_t const count = batch * height * bins;
    if (is_half)
    {
        symmetrise_kernel<<<blocks_for(count), THREADS, 0, stream>>>(
            static_cast<__half2 const*>(spectrum), copy, count, height, bins, nyquist);
    }
    else
    {
        symmetrise_kernel<<<blocks_for(count), THREADS, 0, stream>>>(
            static_cast<float2 const*>(spectrum), copy, count, height, bins, nyquist);
    }
    return cudaPeekAtLastError();
}

} // namespace latx::fft
