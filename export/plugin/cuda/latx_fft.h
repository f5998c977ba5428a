/* Two-dimensional real Fourier transforms on an NVIDIA GPU, for TensorRT's plugin and for anything that speaks C.
 *
 * Convention: that of cuFFT, and of TensorRT 11.2's stock FFTPlugin. Neither direction is scaled, so a round trip
 * multiplies by height * width. Images are (batch, height, width) real; spectra are
 * (batch, height, width / 2 + 1, 2) with real and imaginary parts interleaved. Everything is dense, row-major and
 * in device memory. Any height and width from 1 up, even, odd or prime, in FP32 and in FP16: FP16 is stored, never
 * computed with.
 *
 * latx_irfft2 means numpy.fft.irfft2 (times height * width) for every spectrum, also for one that no real image
 * has; and it leaves its input as it was. Plain cuFFT promises neither.
 *
 * Order of calls: create, prepare once per shape and direction (the only call that allocates), then run as often
 * as wished. A run allocates nothing, waits for nothing, and may be captured into a CUDA graph.
 * All functions may be called from several threads; runs that may overlap need a workspace each.
 */
#ifndef LATX_FFT_H
#define LATX_FFT_H

#include <stddef.h>
#include <stdint.h>

#include <cuda_runtime_api.h>

#ifdef __cplusplus
extern "C" {
#endif

#define LATX_FFT_ABI 1
#define LATX_FFT_API __attribute__((visibility("default")))

typedef struct latx_fft_plans latx_fft_plans; /* a cache of cuFFT plans, per device */

typedef enum { LATX_FFT_FP32 = 0, LATX_FFT_FP16 = 1 } latx_fft_type;
typedef enum { LATX_FFT_FORWARD = 0, LATX_FFT_INVERSE = 1 } latx_fft_direction;

typedef struct
{
    int64_t batch;  /* images, at least 1 */
    int32_t height; /* of the real image, at least 1 */
    int32_t width;  /* of the real image, at least 1 */
    int32_t type;   /* latx_fft_type of image and spectrum in memory */
} latx_fft_shape;

typedef enum
{
    LATX_FFT_OK = 0,
    LATX_FFT_BAD_ARGUMENT = 1, /* a null pointer, a size below 1 or too large, an unknown type */
    LATX_FFT_NO_DEVICE = 2,    /* no NVIDIA GPU, or no driver for it */
    LATX_FFT_UNPREPARED = 3,   /* this shape was not prepared on the current device */
    LATX_FFT_WORKSPACE = 4,    /* the workspace is missing, too small or not aligned to 256 bytes */
    LATX_FFT_CUDA = 5,         /* a CUDA call or a kernel launch failed */
    LATX_FFT_CUFFT = 6,        /* cuFFT failed */
    LATX_FFT_MEMORY = 7        /* out of host or device memory */
} latx_fft_status;

/* LATX_FFT_ABI of the library; callers compare it with their header's. */
LATX_FFT_API int32_t latx_fft_abi(void);

/* One sentence on a status; never NULL. */
LATX_FFT_API char const* latx_fft_status_text(int32_t status);

LATX_FFT_API int32_t latx_fft_create(latx_fft_plans** plans);

/* NULL is allowed. No run may be under way. */
LATX_FFT_API void latx_fft_destroy(latx_fft_plans* plans);

/* Makes the plan of this shape and direction on the current device unless it exists, and says how many bytes of
 * workspace a run of it needs (0 to ...; aligned to 256). */
LATX_FFT_API int32_t latx_fft_prepare(
    latx_fft_plans* plans, latx_fft_shape const* shape, int32_t direction, size_t* workspace_bytes);

/* image -> spectrum. */
LATX_FFT_API int32_t latx_rfft2(latx_fft_plans* plans, latx_fft_shape const* shape, void const* image, void* spectrum,
    void* workspace, size_t workspace_bytes, cudaStream_t stream);

/* spectrum -> image. */
LATX_FFT_API int32_t latx_irfft2(latx_fft_plans* plans, latx_fft_shape const* shape, void const* spectrum, void* image,
    void* workspace, size_t workspace_bytes, cudaStream_t stream);

#ifdef __cplusplus
}
#endif

#endif
