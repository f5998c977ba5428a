"""The configuration as one model: every section is defined beside the code that it configures, and put together here.

Unknown keys are refused everywhere. Every field has a default, so an empty file is a working kiosk.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final, Literal

from pydantic import BaseModel, ConfigDict, Field

from edge.camera.settings import CameraSettings
from edge.daemon.settings import LiveSettings, ScanSettings, ThermalSettings
from edge.health.settings import HealthSettings, LogSettings
from edge.privacy.settings import PrivacySettings
from edge.sinks.mqtt.settings import MqttSettings
from edge.sinks.outbox.settings import OutboxSettings

CURRENT_VERSION: Final = 1


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False, protected_namespaces=())


class ModelSettings(_Part):
    """What turns a back view into a spine."""

    bundle: Path | None = Field(default=None, description="Folder of the model bundle; none: the one that is shipped.")
    runtime: Literal["auto", "onnxruntime", "tensorrt"] = Field(
        default="auto", description="auto takes TensorRT where the bundle holds engines that are valid here."
    )
    precision: Literal["fp32", "int8"] = Field(
        default="fp32", description="What ONNX Runtime runs; TensorRT engines have the precision they were built in."
    )
    threads: int | None = Field(default=None, ge=1, le=256, description="Threads of the model; none: all cores.")


class StorageSettings(_Part):
    """Where results lie."""

    out: Path = Field(
        default=Path("scans"),
        description="One folder per scan. A relative path lies in the service's state directory, else where it starts.",
    )


class Config(_Part):
    """Everything that ``latx-edge run`` is told. ``mqtt`` absent: results stay on this machine."""

    version: Literal[1] = Field(default=1, description="Of this file's layout.")
    camera: CameraSettings = CameraSettings()
    model: ModelSettings = ModelSettings()
    scan: ScanSettings = ScanSettings()
    live: LiveSettings = LiveSettings()
    storage: StorageSettings = StorageSettings()
    outbox: OutboxSettings = OutboxSettings()
    mqtt: MqttSettings | None = None
    privacy: PrivacySettings = PrivacySettings()
    thermal: ThermalSettings = ThermalSettings()
    health: HealthSettings = HealthSettings()
    log: LogSettings = LogSettings()
