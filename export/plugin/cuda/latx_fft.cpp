// The C interface of latx_fft.h: checks what it is given, divides the workspace, and puts kernels around cuFFT.
#include "latx_fft.h"

#include <limits>
#include <new>

#include "kernels.h"
#include "plan_cache.h"

struct latx_fft_plans
{
    latx::fft::PlanCache cache;
};

namespace
{

using latx::fft::Plan;
using latx::fft::PlanKey;

constexpr size_t ALIGNMENT = 256; // what cudaMalloc and TensorRT give, and what cuFFT wants of a work area
constexpr int64_t MAX_VALUES = std::numeric_limits<int32_t>::max(); // real values of one call; 8 GiB of FP32

// Where the parts of a workspace begin: cuFFT's work area, then FP32 copies of image and spectrum.
struct Layout
{
    size_t image{0};
    size_t spectrum{0};
    size_t total{0};
};

size_t aligned(size_t bytes)
{
    return (bytes + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
}

int64_t image_values(latx_fft_shape const& shape)
{
    return shape.batch * shape.height * shape.width;
}

int64_t spectrum_values(latx_fft_shape const& shape)
{
    return shape.batch * shape.height * (shape.width / 2 + 1) * 2;
}

bool is_valid(latx_fft_shape const* shape)
{
    if (shape == nullptr || shape->batch < 1 || shape->height < 1 || shape->width < 1
        || (shape->type != LATX_FFT_FP32 && shape->type != LATX_FFT_FP16))
    {
        return false;
    }
    int64_t const area = static_cast<int64_t>(shape->height) * (static_cast<int64_t>(shape->width) / 2 + 1) * 2;
    return area <= MAX_VALUES && shape->batch <= MAX_VALUES / area;
}

// FP32 needs one copy, of a spectrum to be inverted: it is made symmetric, and cuFFT overwrites what it inverts.
Layout layout_of(latx_fft_shape const& shape, bool inverse, size_t work_bytes)
{
    bool const half = shape.type == LATX_FFT_FP16;
    Layout layout;
    layout.image = aligned(work_bytes);
    layout.spectrum = layout.image + (half ? aligned(sizeof(float) * static_cast<size_t>(image_values(shape))) : 0);
    bool const copies_spectrum = half || inverse;
    layout.total = layout.spectrum
        + (copies_spectrum ? aligned(sizeof(float) * static_cast<size_t>(spectrum_values(shape))) : 0);
    return layout;
}

int32_t key_of(latx_fft_shape const& shape, bool inverse, PlanKey* key)
{
    int32_t device = 0;
    if (cudaGetDevice(&device) != cudaSuccess)
    {
        cudaGetLastError(); // the failure is reported by the status, not by the next CUDA call of the caller
        return LATX_FFT_NO_DEVICE;
    }
    *key = PlanKey{device, inverse, shape.batch, shape.height, shape.width};
    return LATX_FFT_OK;
}

int32_t status_of(cudaError_t result)
{
    return result == cudaSuccess ? LATX_FFT_OK : LATX_FFT_CUDA;
}

// What both directions check before they touch anything.
int32_t begin(latx_fft_plans* plans, latx_fft_shape const* shape, bool inverse, void const* input, void const* output,
    void* workspace, size_t workspace_bytes, Plan** plan, Layout* layout)
{
    if (plans == nullptr || !is_valid(shape) || input == nullptr || output == nullptr)
    {
        return LATX_FFT_BAD_ARGUMENT;
    }
    PlanKey key{};
    int32_t const status = key_of(*shape, inverse, &key);
    if (status != LATX_FFT_OK)
    {
        return status;
    }
    *plan = plans->cache.find(key);
    if (*plan == nullptr)
    {
        return LATX_FFT_UNPREPARED;
    }
    *layout = layout_of(*shape, inverse, (*plan)->work_bytes());
    bool const fits = layout->total == 0
        || (workspace != nullptr && workspace_bytes >= layout->total
            && reinterpret_cast<uintptr_t>(workspace) % ALIGNMENT == 0);
    return fits ? LATX_FFT_OK : LATX_FFT_WORKSPACE;
}

} // namespace

int32_t latx_fft_abi(void)
{
    return LATX_FFT_ABI;
}

char const* latx_fft_status_text(int32_t status)
{
    switch (status)
    {
    case LATX_FFT_OK: return "success";
    case LATX_FFT_BAD_ARGUMENT: return "a null pointer, a size below 1 or too large, or an unknown type";
    case LATX_FFT_NO_DEVICE: return "no NVIDIA GPU, or no driver for it";
    case LATX_FFT_UNPREPARED: return "this shape was not prepared on the current device";
    case LATX_FFT_WORKSPACE: return "the workspace is missing, too small or not aligned to 256 bytes";
    case LATX_FFT_CUDA: return "a CUDA call or a kernel launch failed";
    case LATX_FFT_CUFFT: return "cuFFT failed";
    case LATX_FFT_MEMORY: return "out of host or device memory";
    default: return "unknown status";
    }
}

int32_t latx_fft_create(latx_fft_plans** plans)
{
    if (plans == nullptr)
    {
        return LATX_FFT_BAD_ARGUMENT;
    }
    *plans = new (std::nothrow) latx_fft_plans;
    return *plans == nullptr ? LATX_FFT_MEMORY : LATX_FFT_OK;
}

void latx_fft_destroy(latx_fft_plans* plans)
{
    delete plans;
}

int32_t latx_fft_prepare(
    latx_fft_plans* plans, latx_fft_shape const* shape, int32_t direction, size_t* workspace_bytes)
try
{
    bool const known = direction == LATX_FFT_FORWARD || direction == LATX_FFT_INVERSE;
    if (plans == nullptr || workspace_bytes == nullptr || !known || !is_valid(shape))
    {
        return LATX_FFT_BAD_ARGUMENT;
    }
    bool const inverse = direction == LATX_FFT_INVERSE;
    PlanKey key{};
    Plan* plan = nullptr;
    int32_t status = key_of(*shape, inverse, &key);
    if (status == LATX_FFT_OK)
    {
        status = plans->cache.prepare(key, &plan);
    }
    if (status == LATX_FFT_OK)
    {
        *workspace_bytes = layout_of(*shape, inverse, plan->work_bytes()).total;
    }
    return status;
}
catch (std::bad_alloc const&)
{
    return LATX_FFT_MEMORY;
}

int32_t latx_rfft2(latx_fft_plans* plans, latx_fft_shape const* shape, void const* image, void* spectrum,
    void* workspace, size_t workspace_bytes, cudaStream_t stream)
{
    Plan* plan = nullptr;
    Layout layout;
    int32_t const status = begin(plans, shape, false, image, spectrum, workspace, workspace_bytes, &plan, &layout);
    if (status != LATX_FFT_OK)
    {
        return status;
    }
    auto* const base = static_cast<char*>(workspace);
    if (shape->type == LATX_FFT_FP32)
    {
        // An out-of-place R2C leaves its input as it was; cuFFT's signature only lacks the const.
        return plan->run(false, const_cast<void*>(image), spectrum, base, stream);
    }
    auto* const wide_image = reinterpret_cast<float*>(base + layout.image);
    auto* const wide_spectrum = reinterpret_cast<float*>(base + layout.spectrum);
    int32_t step = status_of(latx::fft::widen(image, wide_image, image_values(*shape), stream));
    if (step == LATX_FFT_OK)
    {
        step = plan->run(false, wide_image, wide_spectrum, base, stream);
    }
    return step == LATX_FFT_OK
        ? status_of(latx::fft::narrow(wide_spectrum, spectrum, spectrum_values(*shape), stream))
        : step;
}

int32_t latx_irfft2(latx_fft_plans* plans, latx_fft_shape const* shape, void const* spectrum, void* image,
    void* workspace, size_t workspace_bytes, cudaStream_t stream)
{
    Plan* plan = nullptr;
    Layout layout;
    int32_t const status = begin(plans, shape, true, spectrum, image, workspace, workspace_bytes, &plan, &layout);
    if (status != LATX_FFT_OK)
    {
        return status;
    }
    bool const half = shape->type == LATX_FFT_FP16;
    auto* const base = static_cast<char*>(workspace);
    auto* const copy = reinterpret_cast<float2*>(base + layout.spectrum);
    void* const wide_image = half ? base + layout.image : image;
    int32_t step = status_of(
        latx::fft::symmetrise(spectrum, half, copy, shape->batch, shape->height, shape->width, stream));
    if (step == LATX_FFT_OK)
    {
        step = plan->run(true, copy, wide_image, base, stream);
    }
    return step == LATX_FFT_OK && half
        ? status_of(latx::fft::narrow(static_cast<float*>(wide_image), image, image_values(*shape), stream))
        : step;
}
