// The plugin of fft_plugin.h: shapes and types for the builder, one call of the FFT library for the runtime.
#include "fft_plugin.h"

#include <new>
#include <utility>

namespace latx::tensorrt
{
namespace
{

using nvinfer1::DataType;

constexpr int32_t SUCCESS = 0;
constexpr int32_t FAILURE = -1;

int32_t typeOf(DataType type)
{
    return type == DataType::kHALF ? LATX_FFT_FP16 : LATX_FFT_FP32;
}

bool countsFit(int32_t nbInputs, int32_t nbOutputs)
{
    return (nbInputs == 1 || nbInputs == 2) && nbOutputs == 1;
}

} // namespace

FftPlugin::FftPlugin(Attributes const& attributes, std::string pluginNamespace, Plans plans)
    : mAttributes(attributes)
    , mNamespace(std::move(pluginNamespace))
    , mPlans(std::move(plans))
{
}

nvinfer1::IPluginCapability* FftPlugin::getCapabilityInterface(nvinfer1::PluginCapabilityType type) noexcept
{
    switch (type)
    {
    case nvinfer1::PluginCapabilityType::kCORE: return static_cast<nvinfer1::IPluginV3OneCore*>(this);
    case nvinfer1::PluginCapabilityType::kBUILD: return static_cast<nvinfer1::IPluginV3OneBuild*>(this);
    case nvinfer1::PluginCapabilityType::kRUNTIME: return static_cast<nvinfer1::IPluginV3OneRuntime*>(this);
    }
    return nullptr;
}

nvinfer1::IPluginV3* FftPlugin::clone() noexcept
try
{
    auto* const copy = new FftPlugin(mAttributes, mNamespace, mPlans);
    copy->mShape = mShape;
    copy->mWorkspaceBytes = mWorkspaceBytes;
    return copy;
}
catch (std::bad_alloc const&)
{
    return nullptr;
}

char const* FftPlugin::getPluginName() const noexcept
{
    return PLUGIN_NAME;
}

char const* FftPlugin::getPluginVersion() const noexcept
{
    return PLUGIN_VERSION;
}

char const* FftPlugin::getPluginNamespace() const noexcept
{
    return mNamespace.c_str();
}

int32_t FftPlugin::getNbOutputs() const noexcept
{
    return 1;
}

int32_t FftPlugin::configurePlugin(nvinfer1::DynamicPluginTensorDesc const* /* in */, int32_t nbInputs,
    nvinfer1::DynamicPluginTensorDesc const* /* out */, int32_t nbOutputs) noexcept
{
    return countsFit(nbInputs, nbOutputs) ? SUCCESS : FAILURE;
}

bool FftPlugin::supportsFormatCombination(int32_t pos, nvinfer1::DynamicPluginTensorDesc const* inOut,
    int32_t nbInputs, int32_t nbOutputs) noexcept
{
    if (!countsFit(nbInputs, nbOutputs) || pos < 0 || pos >= nbInputs + nbOutputs
        || inOut[pos].desc.format != nvinfer1::TensorFormat::kLINEAR)
    {
        return false;
    }
    DataType const type = inOut[pos].desc.type;
    if (pos == 0)
    {
        return type == DataType::kFLOAT || type == DataType::kHALF;
    }
    return pos < nbInputs ? type == DataType::kINT64 : type == inOut[0].desc.type;
}

int32_t FftPlugin::getOutputDataTypes(nvinfer1::DataType* outputTypes, int32_t nbOutputs,
    nvinfer1::DataType const* inputTypes, int32_t nbInputs) const noexcept
{
    if (!countsFit(nbInputs, nbOutputs))
    {
        return FAILURE;
    }
    outputTypes[0] = inputTypes[0];
    return SUCCESS;
}

int32_t FftPlugin::getOutputShapes(nvinfer1::DimsExprs const* inputs, int32_t nbInputs,
    nvinfer1::DimsExprs const* shapeInputs, int32_t nbShapeInputs, nvinfer1::DimsExprs* outputs, int32_t nbOutputs,
    nvinfer1::IExprBuilder& exprBuilder) noexcept
{
    using Op = nvinfer1::DimensionOperation;
    // The builder counts the length among the inputs, or apart from them as a shape input.
    if (nbInputs < 1 || nbOutputs != 1)
    {
        return FAILURE;
    }
    nvinfer1::DimsExprs dims = inputs[0];
    if (mAttributes.inverse == 0)
    {
        // [..., W] -> [..., W / 2 + 1, 2]
        if (dims.nbDims < mAttributes.ndims || dims.nbDims >= nvinfer1::Dims::MAX_DIMS)
        {
            return FAILURE;
        }
        int32_t const width = dims.nbDims - 1;
        auto const* const half = exprBuilder.operation(Op::kFLOOR_DIV, *dims.d[width], *exprBuilder.constant(2));
        dims.d[width] = exprBuilder.operation(Op::kSUM, *half, *exprBuilder.constant(1));
        dims.d[dims.nbDims] = exprBuilder.constant(2);
        dims.nbDims += 1;
    }
    else
    {
        // [..., W / 2 + 1, 2] -> [..., W]: W is given, or else even.
        if (dims.nbDims < mAttributes.ndims + 1)
        {
            return FAILURE;
        }
        dims.nbDims -= 1;
        int32_t const width = dims.nbDims - 1;
        if (nbShapeInputs > 0 && shapeInputs[0].nbDims > 0)
        {
            dims.d[width] = shapeInputs[0].d[0];
        }
        else
        {
            auto const* const pairs = exprBuilder.operation(Op::kSUB, *dims.d[width], *exprBuilder.constant(1));
            dims.d[width] = exprBuilder.operation(Op::kPROD, *pairs, *exprBuilder.constant(2));
        }
    }
    outputs[0] = dims;
    return SUCCESS;
}

size_t FftPlugin::getWorkspaceSize(nvinfer1::DynamicPluginTensorDesc const* inputs, int32_t /* nbInputs */,
    nvinfer1::DynamicPluginTensorDesc const* outputs, int32_t /* nbOutputs */) const noexcept
{
    nvinfer1::Dims const& real = mAttributes.inverse == 0 ? inputs[0].max : outputs[0].max;
    latx_fft_shape shape{};
    size_t bytes = 0;
    bool const known = shapeOf(real, inputs[0].desc.type, &shape) && prepare(shape, &bytes) == LATX_FFT_OK;
    return known ? bytes : 0;
}

int32_t FftPlugin::onShapeChange(nvinfer1::PluginTensorDesc const* in, int32_t nbInputs,
    nvinfer1::PluginTensorDesc const* out, int32_t nbOutputs) noexcept
{
    nvinfer1::Dims const& real = mAttributes.inverse == 0 ? in[0].dims : out[0].dims;
    bool const fits = countsFit(nbInputs, nbOutputs) && shapeOf(real, in[0].type, &mShape)
        && prepare(mShape, &mWorkspaceBytes) == LATX_FFT_OK;
    return fits ? SUCCESS : FAILURE;
}

int32_t FftPlugin::enqueue(nvinfer1::PluginTensorDesc const* /* inputDesc */,
    nvinfer1::PluginTensorDesc const* /* outputDesc */, void const* const* inputs, void* const* outputs,
    void* workspace, cudaStream_t stream) noexcept
{
    auto* const run = mAttributes.inverse == 0 ? latx_rfft2 : latx_irfft2;
    // onShapeChange prepared this shape; before it the library answers that it did not.
    return run(mPlans.get(), &mShape, inputs[0], outputs[0], workspace, mWorkspaceBytes, stream);
}

nvinfer1::IPluginV3* FftPlugin::attachToContext(nvinfer1::IPluginResourceContext* /* context */) noexcept
{
    return clone();
}

nvinfer1::PluginFieldCollection const* FftPlugin::getFieldsToSerialize() noexcept
try
{
    using nvinfer1::PluginFieldType;
    mFields.clear();
    mFields.emplace_back("inverse", &mAttributes.inverse, PluginFieldType::kINT32, 1);
    mFields.emplace_back("onesided", &mAttributes.onesided, PluginFieldType::kINT32, 1);
    mFields.emplace_back("ndims", &mAttributes.ndims, PluginFieldType::kINT32, 1);
    mCollection.nbFields = static_cast<int32_t>(mFields.size());
    mCollection.fields = mFields.data();
    return &mCollection;
}
catch (std::bad_alloc const&)
{
    return nullptr;
}

bool FftPlugin::shapeOf(nvinfer1::Dims const& real, DataType type, latx_fft_shape* shape) const noexcept
{
    int32_t const outer = real.nbDims - mAttributes.ndims;
    if (outer < 0)
    {
        return false;
    }
    auto const extent = [&real](int32_t axis) { return static_cast<int64_t>(real.d[axis]); };
    int64_t batch = 1;
    for (int32_t axis = 0; axis < outer; ++axis)
    {
        batch *= extent(axis);
    }
    // One axis is two with a single row. Sizes that the library cannot take it refuses itself.
    shape->batch = batch;
    shape->height = mAttributes.ndims == 2 ? static_cast<int32_t>(extent(outer)) : 1;
    shape->width = static_cast<int32_t>(extent(real.nbDims - 1));
    shape->type = typeOf(type);
    return true;
}

int32_t FftPlugin::prepare(latx_fft_shape const& shape, size_t* workspaceBytes) const noexcept
{
    int32_t const direction = mAttributes.inverse == 0 ? LATX_FFT_FORWARD : LATX_FFT_INVERSE;
    return latx_fft_prepare(mPlans.get(), &shape, direction, workspaceBytes);
}

} // namespace latx::tensorrt
