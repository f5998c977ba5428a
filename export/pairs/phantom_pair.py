"""Writes phantom subjects as if they were real pairs: to test the reader, and to try a training before data arrive."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path
from typing import Any, Final

import cv2
import numpy as np
from numpy.typing import NDArray

from calib.phantom.depth_camera import iterate_frames, true_poses
from calib.phantom.radiograph import render_radiograph
from calib.phantom.sampler import sample_subject
from calib.phantom.scene import fitting_view
from calib.phantom.subject import Subject
from calib.phantom.xray.picture import LateralImage
from edge.anatomy import ENDPLATE_POINTS
from edge.camera.mcap_writer import RecordingWriter
from edge.errors import MissingDependencyError, OutputError
from edge.frame import Frame
from export.pairs.annotation import ENDPLATE_NAMES, SCHEMA

FILMS: Final = ("dicom", "dicom-inverted", "png")
PHOTOGRAPHS: Final = ("recording", "still")
STEPS_PER_UNIT: Final = 8000
"""16-bit pixel values per unit of log attenuation: the film's largest value, 8.2, lies beyond what gets through."""
STILL_UNIT_M: Final = 0.0005


def write_phantom_pair(seed: int, tier: str, folder: Path, film: str = "dicom", photograph: str = "recording",
                       frames: int = 3) -> Path:
    """Write the subject of ``seed`` to ``folder`` and return it, whole or not at all; an existing folder is kept.

    The markers are the tips of C7's spinous process and of the sacral crest, at the same place in both pictures.

    Raises:
        OutputError: ``folder`` exists or cannot be written.
        MissingDependencyError: a DICOM film without pydicom.
    """
    subject = sample_subject(seed, tier)
    draft = folder.with_name(f".{folder.name}.{os.getpid()}.partial")
    try:
        if folder.exists():
            raise OutputError("the folder is there already", where=str(folder), expected="no folder", found="one",
                              mend="choose another --out or other --seeds")
        draft.mkdir(parents=True)
        view = fitting_view(subject, seed)
        taken = list(iterate_frames(subject, view, frames, seed))
        _WRITE_PHOTOGRAPH[photograph](taken, draft)
        radiograph = render_radiograph(subject)
        _WRITE_FILM[film](radiograph, seed, draft)
        pose = true_poses(subject, view, frames, seed)[0]
        annotation = _annotation(subject, radiograph, pose, calibrated=film != "png")
        (draft / "endplates.json").write_text(json.dumps(annotation, indent=1) + "\n", encoding="utf-8")
        draft.rename(folder)
    except OSError as error:
        raise OutputError("cannot write the pair", where=str(folder), expected="a writable folder",
                          found=error.strerror or str(error), mend="choose another --out") from error
    finally:
        shutil.rmtree(draft, ignore_errors=True)
    return folder


def _annotation(
    subject: Subject, radiograph: LateralImage, camera_from_subject: NDArray[np.float64], calibrated: bool
) -> dict[str, Any]:
    grid, spine = radiograph.grid, subject.spine_radiograph

    def pixel(point_mm: NDArray[np.float64]) -> list[float]:
        return [round(float(grid.col_of(point_mm[0])), 3), round(float(grid.row_of(point_mm[1])), 3)]

    def film_mm(point_mm: NDArray[np.float64]) -> list[float]:
        # x anterior and y up from the centre of pixel (0, 0), z to the subject's right.
        x, y = grid.u_of(np.array(0.0)), grid.y_of(np.array(0.0))
        return [round(float(v), 3) for v in point_mm - np.array([x, y, 0.0])]

    markers = []
    for name, row in (("C7", 0), ("S1", -1)):
        tip = spine.spinous_tips_mm[row]
        seen = camera_from_subject @ np.append(tip, 1.0)
        markers.append({"name": name, "radiograph_px": pixel(tip), "z_mm": round(float(tip[2]), 3),
                        "camera_mm": [round(float(v), 3) for v in seen[:3]]})
    rims = dict(zip(ENDPLATE_NAMES, spine.endplates_mm, strict=True))
    return {
        "schema_version": SCHEMA,
        # What a DICOM says of itself is left to it.
        **({} if calibrated else {"mm_per_px": grid.mm_per_px}),
        "anterior": "left",
        "log_attenuation_per_step": 1.0 / STEPS_PER_UNIT,
        "markers": markers,
        "endplates_px": {
            name: {"anterior": pixel(rim[0]), "posterior": pixel(rim[1])} for name, rim in rims.items()
        },
        "endplates_mm": {
            name: {point: film_mm(rim[i]) for i, point in enumerate(ENDPLATE_POINTS)}
            for name, rim in rims.items()
        },
    }


def _steps(radiograph: LateralImage) -> NDArray[np.uint16]:
    scaled = np.rint(radiograph.log_attenuation * float(STEPS_PER_UNIT))
    return np.asarray(np.clip(scaled, 0, 65535), np.uint16)


def _write_png(radiograph: LateralImage, _seed: int, folder: Path) -> None:
    _save(folder / "radiograph.png", _steps(radiograph))


def _write_dicom(radiograph: LateralImage, seed: int, folder: Path, inverted: bool = False) -> None:
    """A digital X-ray image of the phantom; the subject is a number, and the picture says that it is synthetic."""
    try:
        from pydicom.dataset import Dataset, FileMetaDataset
        from pydicom.uid import DigitalXRayImageStorageForProcessing, ExplicitVRLittleEndian, generate_uid
    except ImportError as error:
        raise MissingDependencyError("writing DICOM needs pydicom", expected="pydicom", found="nothing",
                                     mend="pip install 'latxgen-edge[export]', or --film png") from error
    pixels = _steps(radiograph)
    rows, columns = pixels.shape
    spacing = radiograph.grid.mm_per_px
    data = Dataset()
    data.file_meta = FileMetaDataset()
    data.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    data.SOPClassUID = DigitalXRayImageStorageForProcessing
    data.SOPInstanceUID, data.StudyInstanceUID, data.SeriesInstanceUID = (
        generate_uid(entropy_srcs=["latx-phantom-pair", str(seed), level]) for level in ("image", "study", "series")
    )
    data.Modality, data.PresentationIntentType, data.ImageType = "DX", "FOR PROCESSING", ["DERIVED", "PRIMARY"]
    data.PatientID, data.PatientName = f"phantom-{seed}", ""
    data.SeriesDescription = "Synthetic lateral spine of a digital phantom. Not a patient."
    data.BodyPartExamined, data.ViewPosition, data.PatientOrientation = "SPINE", "LL", ["P", "F"]
    data.BurnedInAnnotation = "NO"
    data.Rows, data.Columns, data.SamplesPerPixel = rows, columns, 1
    data.BitsAllocated, data.BitsStored, data.HighBit, data.PixelRepresentation = 16, 16, 15, 0
    data.PhotometricInterpretation = "MONOCHROME1" if inverted else "MONOCHROME2"
    data.PixelIntensityRelationship, data.PixelIntensityRelationshipSign = "LOG", 1 if inverted else -1
    data.PixelSpacing = [spacing, spacing]
    data.PixelSpacingCalibrationType = "GEOMETRY"
    data.RescaleIntercept, data.RescaleSlope, data.RescaleType = 0, 1, "US"
    data.PixelData = (65535 - pixels if inverted else pixels).astype("<u2").tobytes()
    data.save_as(folder / "radiograph.dcm", enforce_file_format=True)


def _write_recording(frames: list[Frame], folder: Path) -> None:
    first = frames[0]
    with RecordingWriter(folder / "recording.mcap", first.intrinsics, first.gravity, model=first.camera_model,
                         serial=first.camera_serial) as writer:
        for frame in frames:
            writer.write(frame)


def _write_still(frames: list[Frame], folder: Path) -> None:
    frame = frames[0]
    k = frame.intrinsics
    _save(folder / "depth.png", np.asarray(np.clip(np.rint(frame.depth_m / STILL_UNIT_M), 0, 65535), np.uint16))
    if frame.colour is not None:
        _save(folder / "colour.jpg", np.asarray(cv2.cvtColor(frame.colour, cv2.COLOR_RGB2BGR), np.uint8))
    camera = {
        "width": k.width, "height": k.height, "fx": k.fx, "fy": k.fy, "cx": k.cx, "cy": k.cy,
        "depth_unit_m": STILL_UNIT_M, "gravity": [float(v) for v in frame.gravity],
    }
    (folder / "intrinsics.json").write_text(json.dumps(camera, indent=1) + "\n", encoding="utf-8")


def _save(path: Path, image: NDArray[Any]) -> None:
    if not cv2.imwrite(str(path), image):
        raise OutputError("the picture cannot be written", where=str(path), expected="a writable folder")


def _write_inverted_dicom(radiograph: LateralImage, seed: int, folder: Path) -> None:
    _write_dicom(radiograph, seed, folder, inverted=True)


_WRITE_FILM: Final = {"dicom": _write_dicom, "dicom-inverted": _write_inverted_dicom, "png": _write_png}
_WRITE_PHOTOGRAPH: Final = {"recording": _write_recording, "still": _write_still}
