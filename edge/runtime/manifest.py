"""``manifest.json`` of a model bundle: what it holds, as models that refuse whatever they do not know.

``export`` and ``calib`` write manifests with the same models, so both sides mean the same.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Annotated, Any, Final, Literal

import pydantic
from pydantic import BaseModel, ConfigDict, Field

from edge.anatomy import ANGLE_NAMES
from edge.errors import BundleError
from edge.measure.interval_model import IntervalModel
from edge.runtime.runner import TensorSpec
from edge.runtime.stages import ALL_STAGES, TensorRule

MANIFEST: Final = "manifest.json"
SCHEMA_VERSION: Final = "1.0"
INTERVAL_NAMES: Final = (*ANGLE_NAMES, "cobb_major")
"""Order of ``angle_sd_deg``, and the keys of a manifest's ``interval_scales``."""
Sha256 = Annotated[str, Field(pattern="^[0-9a-f]{64}$")]


class StrictModel(BaseModel):
    """Base of every manifest: frozen, finite, and no field that it does not know."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False, protected_namespaces=())


class FileEntry(StrictModel):
    """One file of the bundle, by name within its folder."""

    file: str = Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*$", description="File name inside the bundle's folder.")
    sha256: Sha256
    bytes: int = Field(gt=0)


class TensorEntry(StrictModel):
    """Declared input or output of a stage."""

    name: str
    shape: tuple[int, ...]
    dtype: str = "float32"

    def spec(self) -> TensorSpec:
        """The same as a runner's spec."""
        return TensorSpec(self.name, self.shape, self.dtype)


class StageEntry(FileEntry):
    """The ONNX file of one stage and its tensors."""

    inputs: tuple[TensorEntry, ...]
    outputs: tuple[TensorEntry, ...]


class StageEntries(StrictModel):
    """Both stages of the model."""

    structure: StageEntry
    radiograph: StageEntry
    reader: StageEntry | None = Field(default=None, description="Reads endplates off a radiograph: the self-check.")


class WiderLayer(StrictModel):
    """A layer that an integer file keeps in floating point, and why."""

    layer: str
    precision: Literal["fp16", "fp32"]
    reason: str


class PrecisionFile(FileEntry):
    """The file of one stage in another precision. It has the tensors of the FP32 file."""

    narrow_layers: int = Field(ge=0, description="Layers in the narrow type.")
    wider: tuple[WiderLayer, ...] = Field(description="Layers that stayed wider, each with its reason.")


class PrecisionEntry(StrictModel):
    """Both stages in another precision, and how far they depart from FP32 on the calibration views."""

    structure: PrecisionFile
    radiograph: PrecisionFile
    ranges: dict[str, str] = Field(default_factory=dict, description="Per stage how ranges were found.")
    calibration_sha256: str = Field(default="", description="sha256 of the calibration set's set.json.")
    drift: dict[str, float] = Field(description="Angles in degrees, picture as a share of its range; views.")

    @property
    def files(self) -> tuple[PrecisionFile, PrecisionFile]:
        """Both files."""
        return (self.structure, self.radiograph)


Precision = Literal["fp16", "int8-cpu", "int8"]
"""fp16: in the graph, for every runtime. int8-cpu: U8S8 for ONNX Runtime. int8: S8S8 and FP16, for TensorRT."""


class TemplateEntry(StrictModel):
    """The mean lateral template that stage 1 warps."""

    description: str
    subjects: int = Field(ge=1, description="Subjects that it is the mean of.")
    seeds: str = Field(default="", description="Seeds or source of those subjects.")


class Manifest(StrictModel):
    """``manifest.json`` of a bundle."""

    schema_version: Literal["1.0"] = SCHEMA_VERSION
    name: str = Field(min_length=1)
    version: str = Field(min_length=1)
    created_at: str = Field(pattern=r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z$", description="RFC 3339, UTC.")
    trained_on: str = Field(min_length=1, description="Data that the weights come from; repeated on every output.")
    opset: int = Field(ge=17)
    fft_lowering: Literal["dft", "matmul", "plugin"]
    precision: str = Field(min_length=1, description="Such as fp32, fp16 or int8.")
    stages: StageEntries
    model_card: FileEntry
    interval_scales: dict[str, Annotated[float, Field(gt=0)]] = Field(
        description="Conformal factor per angle: half-width of its 90 % interval in predicted standard deviations."
    )
    interval_model: IntervalModel | None = Field(
        default=None, description="Widths of the intervals by what is seen of the view; without it, interval_scales."
    )
    template: TemplateEntry
    agreement: dict[str, float] = Field(
        default_factory=dict, description="Measured agreement of the ONNX files with the trained model."
    )
    training: dict[str, Any] = Field(default_factory=dict, description="Command, seed ranges, measured errors.")
    precisions: dict[Precision, PrecisionEntry] = Field(
        default_factory=dict, description="The stages in other precisions, written by latx-calib quantize."
    )

    @pydantic.field_validator("interval_scales")
    @classmethod
    def _every_angle_has_a_scale(cls, scales: dict[str, float]) -> dict[str, float]:
        if set(scales) != set(INTERVAL_NAMES):
            raise ValueError(f"must hold exactly {', '.join(INTERVAL_NAMES)}")
        return scales

    @pydantic.field_validator("stages")
    @classmethod
    def _stages_keep_the_contract(cls, stages: StageEntries) -> StageEntries:
        for stage, rules in ALL_STAGES.items():
            entry: StageEntry | None = getattr(stages, stage)
            if entry is None:
                continue
            _hold_against(stage, "input", rules.inputs, [t.spec() for t in entry.inputs])
            _hold_against(stage, "output", rules.outputs, [t.spec() for t in entry.outputs])
        structure = {t.name: t.shape for t in stages.structure.outputs}
        for tensor in stages.radiograph.inputs:
            if tensor.shape != structure.get(tensor.name, tensor.shape):
                raise ValueError(f"radiograph takes another {tensor.name} than structure gives: "
                                 f"{list(tensor.shape)}, not {list(structure[tensor.name])}")
        return stages

    @property
    def files(self) -> tuple[FileEntry, ...]:
        """Every file that the manifest vouches for."""
        narrower = [file for entry in self.precisions.values() for file in entry.files]
        reader = [self.stages.reader] if self.stages.reader else []
        return (self.stages.structure, self.stages.radiograph, *reader, self.model_card, *narrower)


def parse_manifest(raw: bytes, path: Path) -> Manifest:
    """Manifest from JSON text.

    Raises:
        BundleError: not JSON, an unknown schema version, or a field that does not fit; names the first one.
    """
    try:
        version = _VersionOnly.model_validate_json(raw).schema_version
    except pydantic.ValidationError as failure:
        raise _unfit(failure, path) from None
    if version != SCHEMA_VERSION:
        raise BundleError("the bundle's manifest has a version that this program does not know", where=str(path),
                          expected=f"schema_version {SCHEMA_VERSION}", found=version,
                          mend="update latx-edge or export the bundle again")
    try:
        return Manifest.model_validate_json(raw)
    except pydantic.ValidationError as failure:
        raise _unfit(failure, path) from None


class _VersionOnly(BaseModel):
    schema_version: str


def _hold_against(stage: str, side: str, rules: tuple[TensorRule, ...], declared: list[TensorSpec]) -> None:
    fits = len(rules) == len(declared) and all(r.accepts(s) for r, s in zip(rules, declared, strict=False))
    if not fits:
        raise ValueError(f"the {side}s of {stage} must be {listed(rules)}, not {listed(declared)}")


def _unfit(failure: pydantic.ValidationError, path: Path) -> BundleError:
    first = failure.errors(include_url=False)[0]
    field = ".".join(str(part) for part in first["loc"]) or "the whole file"
    return BundleError("the bundle's manifest does not fit", where=f"{path} ({field})", expected=first["msg"],
                       found=repr(first["input"])[:80], mend="export the bundle again")


def listed(items: Iterable[object]) -> str:
    """What is expected or found, one after the other, for an error."""
    return ", ".join(str(item) for item in items)
