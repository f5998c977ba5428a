// The plans of plan_cache.h.
#include "plan_cache.h"

namespace latx::fft
{
namespace
{

int32_t status_of(cufftResult result)
{
    switch (result)
    {
    case CUFFT_SUCCESS: return LATX_FFT_OK;
    case CUFFT_ALLOC_FAILED: return LATX_FFT_MEMORY;
    case CUFFT_INVALID_SIZE: return LATX_FFT_BAD_ARGUMENT;
    default: return LATX_FFT_CUFFT;
    }
}

} // namespace

Plan::~Plan()
{
    if (mMade)
    {
        cufftDestroy(mHandle);
    }
}

int32_t Plan::make(PlanKey const& key)
{
    cufftResult result = cufftCreate(&mHandle);
    if (result != CUFFT_SUCCESS)
    {
        return status_of(result);
    }
    mMade = true;
    result = cufftSetAutoAllocation(mHandle, 0);
    if (result == CUFFT_SUCCESS)
    {
        long long size[2] = {key.height, key.width};
        // No strides: dense rows, width / 2 + 1 bins on the complex side.
        result = cufftMakePlanMany64(mHandle, 2, size, nullptr, 1, 0, nullptr, 1, 0,
            key.inverse ? CUFFT_C2R : CUFFT_R2C, static_cast<long long>(key.batch), &mWorkBytes);
    }
    return status_of(result);
}

int32_t Plan::run(bool inverse, void* input, void* output, void* work_area, cudaStream_t stream)
{
    std::lock_guard<std::mutex> const lock(mUse);
    cufftResult result = cufftSetStream(mHandle, stream);
    if (result == CUFFT_SUCCESS && mWorkBytes > 0)
    {
        result = cufftSetWorkArea(mHandle, work_area);
    }
    if (result == CUFFT_SUCCESS)
    {
        result = inverse ? cufftExecC2R(mHandle, static_cast<cufftComplex*>(input), static_cast<cufftReal*>(output))
                         : cufftExecR2C(mHandle, static_cast<cufftReal*>(input), static_cast<cufftComplex*>(output));
    }
    return status_of(result);
}

int32_t PlanCache::prepare(PlanKey const& key, Plan** plan)
{
    std::lock_guard<std::mutex> const lock(mTable);
    auto const [entry, is_new] = mPlans.try_emplace(key);
    if (is_new)
    {
        int32_t const status = entry->second.make(key);
        if (status != LATX_FFT_OK)
        {
            mPlans.erase(entry);
            return status;
        }
    }
    *plan = &entry->second;
    return LATX_FFT_OK;
}

Plan* PlanCache::find(PlanKey const& key)
{
    std::lock_guard<std::mutex> const lock(mTable);
    auto const entry = mPlans.find(key);
    return entry == mPlans.end() ? nullptr : &entry->second;
}

} // namespace latx::fft
