"""Makes a run folder from a bundle: both stages' weights and their prior, held against the files they came from."""

from __future__ import annotations

import os
import shutil
from itertools import islice
from pathlib import Path

from edge.errors import OutputError
from edge.runtime.bundle import check_bundle
from edge.runtime.manifest import Manifest
from edge.runtime.onnx_runner import OnnxRunner
from export.model.config import ENDPLATE_COUNT, ModelConfig
from export.model.radiograph import RadiographNet
from export.model.structure import StructureNet
from export.onnx.agreement import compare, hold
from export.onnx.graph import stage_graphs
from export.onnx.unpack import measure_statistics, unpack
from export.train.dataset import validation_batches
from export.train.loop import save_atomic
from export.train.provenance import command_line, write_record
from export.train.sample import SampleSource
from export.train.statistics import drawn_from, seen_views
from export.train.template import Prior

BATCH = 8
COMPARED_SUBJECTS = 4


def write_run(bundle: Path, source: SampleSource, subjects: int, folder: Path) -> float:
    """Write ``folder`` whole or not at all; returns the largest difference from the files, as a share of the range.

    Args:
        source: training subjects, of which so many are shown to the networks to measure statistics on.

    Raises:
        BundleError: the bundle is altered, of another architecture, or does not agree with what was unpacked.
        OutputError: the folder cannot be written.
    """
    manifest, _ = check_bundle(bundle)
    config = ModelConfig.from_json(manifest.training.get("config", {}))
    structure, radiograph = StructureNet(config), RadiographNet(config)
    graphs = stage_graphs(structure, radiograph)
    paths = {graph.stage: bundle / getattr(manifest.stages, graph.stage).file for graph in graphs}
    folded = {graph.stage: unpack(graph, net, paths[graph.stage])
              for graph, net in zip(graphs, (structure, radiograph), strict=True)}
    batches = list(islice(validation_batches(source, BATCH, False), -(-subjects // BATCH)))
    measure_statistics(structure, folded["structure"], seen_views(batches))
    measure_statistics(radiograph, folded["radiograph"], drawn_from(structure, batches))
    runners = (OnnxRunner("structure", paths["structure"]), OnnxRunner("radiograph", paths["radiograph"]))
    agreement = compare(graphs, runners, islice(validation_batches(source, 1, False), COMPARED_SUBJECTS))
    hold(agreement)
    for runner in runners:
        runner.close()
    draft = folder.with_name(f".{folder.name}.draft-{os.getpid()}")
    try:
        draft.mkdir(parents=True)
        _write(draft, structure, radiograph, manifest)
        os.replace(draft, folder)
    except OSError as error:
        raise OutputError("cannot write the run", where=str(folder), expected="a writable folder", found=str(error),
                          mend="choose another --out") from error
    finally:
        shutil.rmtree(draft, ignore_errors=True)
    return max(value for name, value in agreement.flat().items() if name.endswith("_of_range"))


def _write(draft: Path, structure: StructureNet, radiograph: RadiographNet, manifest: Manifest) -> None:
    shape = structure.shape
    mean, modes = shape.mean_mm.reshape(ENDPLATE_COUNT, 4, 3), shape.modes_mm.reshape(-1, ENDPLATE_COUNT, 4, 3)
    Prior(mean.numpy(), modes.numpy(), structure.template[0].numpy()).save(draft / "prior.npz")
    known = {"images": manifest.template.subjects, "trained_on": manifest.template.seeds}
    write_record(draft, "prior", {"command": command_line(), **known})
    for stage, net in (("structure", structure), ("radiograph", radiograph)):
        save_atomic({"config": net.config.to_json(), "net": net.state_dict()}, draft / f"{stage}.pt")
        record = manifest.training.get(stage)
        write_record(draft, stage, record if isinstance(record, dict) else {"trained_on": manifest.trained_on})
