"""``latx-export inspect BUNDLE``: what a bundle and its engines say about themselves, as tables."""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from export.check.inventory import Inventory

SHORT_HASH = 12


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the arguments."""
    parser.add_argument("bundle", type=Path, metavar="BUNDLE", help="folder of a bundle")
    parser.add_argument("--json", type=Path, metavar="FILE", help="also write everything as JSON")


def run(args: argparse.Namespace) -> int:
    """Print what the bundle holds; an altered file is shown as such, nothing is run.

    Raises:
        BundleError: there is no manifest, or it cannot be read. OutputError: the JSON cannot be written.
    """
    from edge.whole_file import write_whole
    from export.check.inventory import take_inventory

    inventory = take_inventory(args.bundle)
    print(inventory_text(inventory))
    if args.json:
        write_whole(args.json, json.dumps(inventory.to_json(), indent=1) + "\n", "the inventory")
    return 0


def inventory_text(inventory: Inventory) -> str:
    """Printable tables."""
    from edge.cli.table import aligned

    manifest = inventory.manifest
    lines = [
        f"{manifest.name} {manifest.version}, written {manifest.created_at}, manifest {manifest.schema_version}",
        f"trained on: {manifest.trained_on}",
        f"precision {manifest.precision}, FFT as {manifest.fft_lowering}, opset {manifest.opset}", "",
    ]
    rows = [["File", "bytes", "sha256", "state"]]
    rows += [[f.file, f"{f.bytes:,}", f.sha256[:SHORT_HASH], f.state] for f in inventory.files]
    lines += [*aligned(rows), ""]
    rows = [["Graph", "opset", "nodes", "GMAC", "weights", "operators"]]
    for g in inventory.graphs:
        weights = ", ".join(f"{n:,} {kind}" for kind, n in sorted(g.weights.items(), key=lambda kv: -kv[1])[:3])
        rows.append([g.file, str(g.opset), str(g.nodes), _giga(g.multiply_adds), weights or "-",
                     ", ".join(f"{n} {k}" for k, n in g.special.items()) or "-"])
    lines += [*aligned(rows), "", *_frame_line(inventory)]
    rows = [["Tensor", "stage", "side", "shape", "type"]]
    for stage in ("structure", "radiograph"):
        entry = getattr(manifest.stages, stage)
        for side in ("inputs", "outputs"):
            rows += [[t.name, stage, side[:-1], " x ".join(map(str, t.shape)), t.dtype] for t in getattr(entry, side)]
    lines += [*aligned(rows), ""]
    if manifest.precisions:
        rows = [["Precision", "stage", "narrow layers", "kept wider", "ranges"]]
        for kind, precision in manifest.precisions.items():
            for stage in ("structure", "radiograph"):
                file = getattr(precision, stage)
                rows.append([kind, stage, str(file.narrow_layers), str(len(file.wider)),
                             precision.ranges.get(stage, "-")])
        lines += [*aligned(rows), ""]
        for kind, precision in manifest.precisions.items():
            drift = ", ".join(f"{key} {value:.3g}" for key, value in precision.drift.items())
            lines.append(f"{kind} departs from FP32: {drift}")
        lines.append("")
    errors = manifest.training.get("mean_absolute_error_deg", {})
    rows = [["Angle", "interval factor", "error, deg", "ONNX against torch, deg"]]
    for name, factor in manifest.interval_scales.items():
        error, agreement = errors.get(name), manifest.agreement.get(f"{name}_deg")
        rows.append([name, f"{factor:.2f}", "-" if error is None else f"{error:.2f}",
                     "-" if agreement is None else f"{agreement:.1e}"])
    lines += [*aligned(rows), "", *_engine_lines(inventory)]
    return "\n".join(lines)


def _frame_line(inventory: Inventory) -> list[str]:
    """What one frame costs in both stages of the manifest's own precision."""
    stages = inventory.manifest.stages
    work = {g.file: g.multiply_adds for g in inventory.graphs}
    both = [work.get(stages.structure.file), work.get(stages.radiograph.file)]
    known = [count for count in both if count is not None]
    return [f"One frame: {_giga(sum(known))} GMAC in both stages together", ""] if len(known) == len(both) else []


def _giga(multiply_adds: int | None) -> str:
    return "-" if multiply_adds is None else f"{multiply_adds / 1e9:.2f}"


def _engine_lines(inventory: Inventory) -> list[str]:
    from edge.cli.table import aligned

    if not inventory.engines:
        return ["No engines: latx-export engine builds them, on the device that runs them."]
    rows = [["Engine", "precision", "TensorRT", "CUDA", "GPU", "plugin", "worst drift, deg", "built", "state"]]
    for engine in inventory.engines:
        m = engine.manifest
        rows.append([engine.file, *(["-"] * 7 if m is None else [
            m.precision, m.environment.tensorrt, m.environment.cuda,
            f"{m.environment.gpu} ({m.environment.compute_capability})",
            "none" if m.plugin is None else f"{m.plugin.creator} {m.plugin.version}",
            f"{max(m.self_test.worst_deg.values(), default=0.0):.3f}", m.created_at,
        ]), engine.state])
    return aligned(rows)
