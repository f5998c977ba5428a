"""Checks of the model: the bundle, its engines, TensorRT, and in full the demonstration measured for real."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from edge.cli.truth import true_angles
from edge.doctor.examined import Examined
from edge.doctor.finding import Finding, error, from_error, ok, warning
from edge.errors import LatxError, MissingDependencyError, ServiceError
from edge.runtime.bundle import check_bundle
from edge.runtime.engine_manifest import (
    Environment,
    check_environment,
    engine_path,
    environment_of,
    rebuild_command,
)
from edge.runtime.stages import STAGES

SELF_TEST_FRAMES: Final = 8
AGREE_DEG: Final = 1.0
"""Largest difference of an angle between TensorRT and ONNX Runtime: a tenth of the interval that is printed."""


def bundle(kiosk: Examined) -> Finding:
    """The files are those of the manifest, to the byte."""
    try:
        manifest, digest = check_bundle(kiosk.bundle)
    except LatxError as failure:
        return from_error(failure)
    what = f"{manifest.name} {manifest.version}, {manifest.precision}, sha256 {digest[:12]}, every file as it should be"
    return ok(what, name=manifest.name, version=manifest.version, sha256=digest, trained_on=manifest.trained_on)


def engines(kiosk: Examined) -> Finding:
    """Engines and their manifests are whole, and were built for this machine."""
    from edge.runtime.tensorrt_bundle import read_engine_manifests

    folder, wanted = kiosk.bundle, kiosk.config.model.runtime == "tensorrt"
    if not any(engine_path(folder, stage).exists() for stage in STAGES):
        what = "the bundle has no TensorRT engines"
        if wanted:
            return error(what, f"build them on this device: {rebuild_command(folder, 'fp16')}")
        return ok(f"{what}; ONNX Runtime runs the model")
    try:
        manifests = read_engine_manifests(folder)
        here = _environment()
    except LatxError as failure:
        return from_error(failure, "error" if wanted or not isinstance(failure, MissingDependencyError) else "warning")
    try:
        for stage, manifest in manifests.items():
            check_environment(manifest, engine_path(folder, stage), here, rebuild_command(folder, manifest.precision))
    except LatxError as failure:
        return from_error(failure, "error" if wanted else "warning")
    first = manifests["structure"]
    return ok(f"{first.precision} engines for {first.environment.gpu}, TensorRT {first.environment.tensorrt}",
              precision=first.precision, **here.model_dump())


def tensorrt(kiosk: Examined) -> Finding:
    """TensorRT, a CUDA binding and a GPU are there, where the configuration wants them."""
    wanted = kiosk.config.model.runtime == "tensorrt"
    try:
        here = _environment()
    except (MissingDependencyError, ServiceError) as failure:
        if wanted:
            return from_error(failure)
        return ok(f"{failure.what}; ONNX Runtime runs the model on the CPU")
    return ok(f"TensorRT {here.tensorrt}, CUDA {here.cuda} on {here.gpu} (compute capability "
              f"{here.compute_capability}), driver for CUDA {here.driver}", **here.model_dump())


def self_test(kiosk: Examined) -> Finding:
    """The shipped recording goes through everything that a scan does, on the runtime that is configured."""
    model, wanted = kiosk.config.model, kiosk.config.scan
    try:
        angles, runtime, ms = _measure_demo(kiosk.bundle, model.runtime, model.threads)
        on_cpu = runtime.startswith("onnxruntime")
        reference = angles if on_cpu else _measure_demo(kiosk.bundle, "onnxruntime", model.threads)[0]
        true = true_angles("demo")
    except LatxError as failure:
        return from_error(failure)
    apart = max(abs(angles[name] - reference[name]) for name in angles)
    values = {"angles_deg": {k: round(v, 3) for k, v in angles.items()}, "true_deg": true, "runtime": runtime,
              "frame_ms": round(ms, 1), "from_onnxruntime_deg": round(apart, 3)}  # fmt: skip
    off = [abs(angles[name] - true[name]) for name in angles if name in true]
    what = f"demonstration by {runtime}: {sum(off) / max(len(off), 1):.1f} deg from the truth, {ms:.0f} ms a frame"
    if apart > AGREE_DEG:
        return error(f"{what}, but {apart:.1f} deg from ONNX Runtime", rebuild_command(kiosk.bundle, "fp16"), **values)
    if ms > wanted.over_s * 1e3 / wanted.frames:
        return warning(f"{what}: {wanted.frames} frames do not fit into {wanted.over_s:g} s",
                       "stop what else runs here, build engines, give more threads, or ask fewer frames in [scan]",
                       **values)
    return ok(what, **values)


def _measure_demo(bundle: Path, runtime: str, threads: int | None) -> tuple[dict[str, float], str, float]:
    """Of the shipped recording: (fused angles in degrees by name, runtime that was used, milliseconds a frame)."""
    from edge.camera import open_camera
    from edge.pipeline import Pipeline
    from edge.runtime.bundle import load_bundle
    from edge.scan import scan

    with load_bundle(bundle, threads, runtime) as loaded, open_camera("demo") as demo:
        pipeline = Pipeline(loaded)
        done = scan(demo, pipeline, SELF_TEST_FRAMES)
        name = loaded.structure.runtime
    fused = {**done.result.angles, "cobb_major": done.result.cobb}
    return {key: angle.value_deg for key, angle in fused.items()}, name, sum(done.result.timing_ms.values())


def _environment() -> Environment:
    """TensorRT and the GPU of this machine.

    Raises:
        MissingDependencyError: either, or a CUDA binding, is not installed. ServiceError: there is no usable GPU.
    """
    from edge.runtime.gpu import open_gpu
    from edge.runtime.tensorrt_bundle import import_tensorrt

    trt = import_tensorrt()
    gpu = open_gpu()
    try:
        return environment_of(gpu.identity, trt.__version__)
    finally:
        gpu.close()
