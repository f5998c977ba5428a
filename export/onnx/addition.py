"""What is added to a finished bundle without exporting it again: intervals, a reader of radiographs, a longer card."""

from __future__ import annotations

from pathlib import Path

from edge.errors import BundleError
from edge.measure.interval_model import IntervalModel
from edge.runtime.bundle import check_bundle, file_entry
from edge.runtime.manifest import MANIFEST, Manifest, StageEntry, TensorEntry
from edge.runtime.onnx_runner import OnnxRunner
from edge.whole_file import write_whole, write_whole_bytes

READER_FILE = "reader.onnx"


def write_additions(
    folder: Path, interval_model: IntervalModel | None = None, reader: Path | None = None, card: str | None = None
) -> Manifest:
    """Write the manifest anew with what is given; everything else in the bundle stays as it is.

    Args:
        card: text of the model card.

    Raises:
        BundleError: no good bundle, or ``reader`` is no reader. OutputError: the folder cannot be written.
    """
    manifest, _ = check_bundle(folder)
    values = manifest.model_dump(mode="json")
    if interval_model is not None:
        values["interval_model"] = interval_model.model_dump(mode="json")
    if reader is not None:
        values["stages"]["reader"] = _copied(reader, folder / READER_FILE).model_dump(mode="json")
    if card is not None:
        path = folder / manifest.model_card.file
        write_whole(path, card, "the model card")
        values["model_card"] = file_entry(path)
    try:
        changed = Manifest.model_validate(values)
    except ValueError as error:
        raise BundleError("this cannot be added to the bundle", where=str(reader or folder), expected="a reader: "
                          "log_attenuation (1, 1, 512, 256) to endplates (1, 37, 4)", found=str(error)) from error
    write_whole(folder / MANIFEST, changed.model_dump_json(indent=1) + "\n", "the manifest")
    return changed


def _copied(source: Path, target: Path) -> StageEntry:
    runner = OnnxRunner("reader", source, 1)
    tensors = {
        side: tuple(TensorEntry(name=s.name, shape=s.shape, dtype=s.dtype) for s in specs)
        for side, specs in (("inputs", runner.inputs), ("outputs", runner.outputs))
    }
    runner.close()
    if source.resolve() != target.resolve():
        write_whole_bytes(target, source.read_bytes(), "the bundle's reader")
    return StageEntry.model_validate(file_entry(target) | tensors)
