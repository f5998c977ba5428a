// cuFFT plans by what they depend on. A plan is made once, never evicted, and owns no work area: callers bring it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <mutex>
#include <tuple>

#include <cufft.h>

#include "latx_fft.h"

namespace latx::fft
{

// FP16 is only a storage format here, so a plan does not depend on the type.
struct PlanKey
{
    int32_t device;
    bool inverse;
    int64_t batch;
    int32_t height;
    int32_t width;

    friend bool operator<(PlanKey const& a, PlanKey const& b)
    {
        return std::tie(a.device, a.inverse, a.batch, a.height, a.width)
            < std::tie(b.device, b.inverse, b.batch, b.height, b.width);
    }
};

class Plan
{
public:
    Plan() = default;
    ~Plan();
    Plan(Plan const&) = delete;
    Plan& operator=(Plan const&) = delete;

    // Makes the cuFFT plan; may be called once.
    int32_t make(PlanKey const& key);

    // Runs it: a stream and a work area belong to a run, so they are set and used under one lock.
    int32_t run(bool inverse, void* input, void* output, void* work_area, cudaStream_t stream);

    size_t work_bytes() const
    {
        return mWorkBytes;
    }

private:
    std::mutex mUse;
    cufftHandle mHandle{0};
    bool mMade{false};
    size_t mWorkBytes{0};
};

class PlanCache
{
public:
    // The plan of `key`, made where it is new. On failure nothing is kept.
    int32_t prepare(PlanKey const& key, Plan** plan);

    // The plan of `key`, or nullptr. Map nodes stay where they are, so the pointer stays valid.
    Plan* find(PlanKey const& key);

private:
    std::mutex mTable;
    std::map<PlanKey, Plan> mPlans;
};

} // namespace latx::fft
