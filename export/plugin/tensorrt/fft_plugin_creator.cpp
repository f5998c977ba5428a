// The creator of the plugin, and the two entry points by which TensorRT's registry loads this library.
#include "fft_plugin.h"

#include <atomic>
#include <cstring>
#include <exception>
#include <mutex>
#include <new>

namespace latx::tensorrt
{
namespace
{

std::atomic<nvinfer1::ILoggerFinder*> gLoggerFinder{nullptr};

void logError(std::string const& text) noexcept
{
    nvinfer1::ILoggerFinder* const finder = gLoggerFinder.load();
    nvinfer1::ILogger* const logger = finder == nullptr ? nullptr : finder->findLogger();
    if (logger != nullptr)
    {
        logger->log(nvinfer1::ILogger::Severity::kERROR, text.c_str());
    }
}

// All nodes of a network share their plans: a network has dozens of nodes and two shapes. They go with the last node.
FftPlugin::Plans sharedPlans()
{
    static std::mutex mutex;
    static std::weak_ptr<latx_fft_plans> shared;
    std::lock_guard<std::mutex> const lock(mutex);
    FftPlugin::Plans plans = shared.lock();
    if (plans == nullptr)
    {
        latx_fft_plans* made = nullptr;
        if (latx_fft_create(&made) != LATX_FFT_OK)
        {
            throw std::bad_alloc();
        }
        plans = FftPlugin::Plans(made, latx_fft_destroy);
        shared = plans;
    }
    return plans;
}

// An ONNX integer reaches a plugin as 32 or 64 bits, depending on TensorRT's version.
bool readInteger(nvinfer1::PluginField const& field, int32_t* value)
{
    if (field.data == nullptr || field.length != 1)
    {
        return false;
    }
    if (field.type == nvinfer1::PluginFieldType::kINT64)
    {
        *value = static_cast<int32_t>(*static_cast<int64_t const*>(field.data));
        return true;
    }
    if (field.type == nvinfer1::PluginFieldType::kINT32)
    {
        *value = *static_cast<int32_t const*>(field.data);
        return true;
    }
    return false;
}

} // namespace

FftPluginCreator::FftPluginCreator()
{
    for (char const* const name : {"inverse", "onesided", "ndims"})
    {
        mFields.emplace_back(name, nullptr, nvinfer1::PluginFieldType::kINT32, 1);
    }
    mCollection.nbFields = static_cast<int32_t>(mFields.size());
    mCollection.fields = mFields.data();
}

char const* FftPluginCreator::getPluginName() const noexcept
{
    return PLUGIN_NAME;
}

char const* FftPluginCreator::getPluginVersion() const noexcept
{
    return PLUGIN_VERSION;
}

char const* FftPluginCreator::getPluginNamespace() const noexcept
{
    return "";
}

nvinfer1::PluginFieldCollection const* FftPluginCreator::getFieldNames() noexcept
{
    return &mCollection;
}

nvinfer1::IPluginV3* FftPluginCreator::createPlugin(
    char const* name, nvinfer1::PluginFieldCollection const* fc, nvinfer1::TensorRTPhase /* phase */) noexcept
try
{
    Attributes attributes;
    for (int32_t i = 0; fc != nullptr && i < fc->nbFields; ++i)
    {
        nvinfer1::PluginField const& field = fc->fields[i];
        int32_t* target = nullptr;
        if (std::strcmp(field.name, "inverse") == 0)
        {
            target = &attributes.inverse;
        }
        else if (std::strcmp(field.name, "onesided") == 0)
        {
            target = &attributes.onesided;
        }
        else if (std::strcmp(field.name, "ndims") == 0)
        {
            target = &attributes.ndims;
        }
        if (target != nullptr && !readInteger(field, target))
        {
            logError(std::string("FFTPlugin ") + name + ": attribute " + field.name + " is no single integer");
            return nullptr;
        }
    }
    bool const known = (attributes.inverse == 0 || attributes.inverse == 1) && attributes.onesided == 1
        && (attributes.ndims == 1 || attributes.ndims == 2);
    if (!known)
    {
        logError(std::string("FFTPlugin ") + name
            + ": this one does one-sided transforms of one or two axes: expected onesided 1 and ndims 1 or 2, found onesided "
            + std::to_string(attributes.onesided) + " and ndims " + std::to_string(attributes.ndims));
        return nullptr;
    }
    return new FftPlugin(attributes, getPluginNamespace(), sharedPlans());
}
catch (std::exception const& failure)
{
    logError(failure.what());
    return nullptr;
}

} // namespace latx::tensorrt

extern "C" __attribute__((visibility("default"))) void setLoggerFinder(nvinfer1::ILoggerFinder* finder)
{
    latx::tensorrt::gLoggerFinder.store(finder);
}

extern "C" __attribute__((visibility("default"))) nvinfer1::IPluginCreatorInterface* const* getCreators(int32_t& count)
{
    static latx::tensorrt::FftPluginCreator creator;
    static nvinfer1::IPluginCreatorInterface* const creators[] = {&creator};
    count = 1;
    return creators;
}
