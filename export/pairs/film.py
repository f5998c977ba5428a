"""Reads a lateral radiograph, DICOM or PNG, as log attenuation with the size of its pixels at the patient.

Pixels mean different things on different machines. What is calibrated is used as it is (``log_attenuation_per_step``);
a DICOM of linear intensity is turned into -ln(I/I0); anything else is put on the scale of the phantom's films by its
darkest and brightest parts, because only its pattern can be trusted.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import cv2
import numpy as np
from numpy.typing import NDArray

from edge.errors import MissingDependencyError, RecordingError
from export.pairs.annotation import Annotation

FILM_NAMES: Final = ("radiograph.dcm", "radiograph.png")
SCALE_PERCENTILES: Final = (1.0, 99.0)
SCALE_LOG_ATTENUATION: Final = (0.0, 6.1)
"""Where the phantom's films have those percentiles (mean of 20 subjects of 1.5 mm pixels): air, and the pelvis."""
OPEN_BEAM_PERCENTILE: Final = 99.9


@dataclass(frozen=True)
class Film:
    """log_attenuation: (H, W) float32, -ln(I/I0), NaN where nothing was exposed. spacing_mm: per row, per column."""

    log_attenuation: NDArray[np.float32]
    spacing_mm: tuple[float, float]


def film_path(folder: Path) -> Path | None:
    """The radiograph of a subject, None where it has none."""
    return next((folder / name for name in FILM_NAMES if (folder / name).is_file()), None)


def read_film(path: Path, annotation: Annotation) -> Film:
    """The radiograph at ``path``.

    Raises:
        RecordingError: unreadable, several pictures in one, or pixels of unknown size.
        MissingDependencyError: pydicom is not installed.
    """
    return _read_dicom(path, annotation) if path.suffix.lower() == ".dcm" else _read_png(path, annotation)


def _read_png(path: Path, annotation: Annotation) -> Film:
    pixels = cv2.imread(str(path), cv2.IMREAD_UNCHANGED)
    if pixels is None:
        raise RecordingError("the radiograph cannot be read", where=str(path), expected="a PNG of 8 or 16 bits",
                             found="something else")
    if annotation.mm_per_px is None:
        raise RecordingError("the size of the radiograph's pixels is unknown", where=str(path),
                             expected="mm_per_px in endplates.json", found="none")
    top = 65535.0 if pixels.dtype == np.uint16 else 255.0
    values = np.asarray(pixels[..., :3].mean(axis=2) if pixels.ndim == 3 else pixels, np.float32)
    return Film(_attenuation(top - values if annotation.inverted else values, annotation),
                (annotation.mm_per_px, annotation.mm_per_px))


def _read_dicom(path: Path, annotation: Annotation) -> Film:
    try:
        import pydicom
        from pydicom.errors import InvalidDicomError
        from pydicom.pixels.processing import apply_rescale
    except ImportError as error:
        raise MissingDependencyError("reading DICOM needs pydicom", expected="pydicom", found="nothing",
                                     mend="pip install 'latxgen-edge[export]'") from error
    try:
        data = pydicom.dcmread(path)
        stored = data.pixel_array
    except (InvalidDicomError, OSError, AttributeError, ValueError, RuntimeError) as error:
        raise RecordingError("the radiograph cannot be read", where=str(path), expected="an uncompressed DICOM picture",
                             found=f"{type(error).__name__}: {error}",
                             mend="a compressed one needs decompressing first (e.g. gdcmconv --raw)") from error
    if int(data.get("NumberOfFrames", 1) or 1) != 1:
        raise RecordingError("several pictures in one DICOM", where=str(path), expected="one",
                             found=str(data.NumberOfFrames))
    values = stored[..., :3].mean(axis=2) if stored.ndim == 3 else stored
    values = values.astype(np.float64)
    padding = data.get("PixelPaddingValue")
    padded = values == padding if isinstance(padding, int) else np.zeros(values.shape, bool)
    linear = str(data.get("PixelIntensityRelationship", "")).upper() == "LIN"
    # Turned over where bone would be low, or, of linear intensity, where the open beam would be.
    if int(data.get("PixelIntensityRelationshipSign", 1) or 1) < 0 if linear else _low_is_white(data):
        values = (-1.0 if data.get("PixelRepresentation", 0) else 2.0 ** int(data.BitsStored) - 1.0) - values
    values = np.asarray(apply_rescale(values, data), np.float32)
    values[padded] = np.nan
    if linear and annotation.log_attenuation_per_step is None:
        open_beam = max(float(np.nanpercentile(values, OPEN_BEAM_PERCENTILE)), 1e-6)
        film = -np.log(np.clip(values / open_beam, 1e-4, 1.0), dtype=np.float32)
    else:
        film = _attenuation(values, annotation)
    return Film(film, _spacing(path, data, annotation))


def _low_is_white(data: Any) -> bool:
    return str(data.get("PhotometricInterpretation", "")) == "MONOCHROME1"


def _attenuation(values: NDArray[np.float32], annotation: Annotation) -> NDArray[np.float32]:
    """Pixels in which bone is high, as log attenuation."""
    if annotation.log_attenuation_per_step is not None:
        return np.asarray(values * np.float32(annotation.log_attenuation_per_step), np.float32)
    low, high = np.nanpercentile(values, SCALE_PERCENTILES)
    bottom, top = SCALE_LOG_ATTENUATION
    scaled = bottom + (values - low) * (top - bottom) / max(float(high - low), 1e-6)
    return np.asarray(np.maximum(scaled, 0.0), np.float32)


def _spacing(path: Path, data: Any, annotation: Annotation) -> tuple[float, float]:
    """(row, column) spacing in mm at the patient.

    PixelSpacing (0028,0030) is at the patient where it was calibrated, which shows by PixelSpacingCalibrationType or
    by a value other than ImagerPixelSpacing (0018,1164); that one is at the detector and is divided by the
    magnification (0018,1114), or by the ratio of the distances from the source (0018,1110 over 0018,1111).
    See DICOM PS3.3, section 10.7.
    """
    if annotation.mm_per_px is not None:
        return annotation.mm_per_px, annotation.mm_per_px
    calibrated = _pair(data.get("PixelSpacing"))
    imager = _pair(data.get("ImagerPixelSpacing"))
    if calibrated and (imager is None or calibrated != imager or data.get("PixelSpacingCalibrationType")):
        return calibrated
    magnification = float(data.get("EstimatedRadiographicMagnificationFactor") or 0.0)
    to_detector, to_patient = (float(data.get(f"DistanceSourceTo{what}") or 0.0) for what in ("Detector", "Patient"))
    if magnification <= 0.0 and to_patient > 0.0:
        magnification = to_detector / to_patient
    if imager and magnification >= 1.0:
        return imager[0] / magnification, imager[1] / magnification
    raise RecordingError(
        "the size of the radiograph's pixels at the patient is unknown", where=str(path),
        expected="a calibrated PixelSpacing, or ImagerPixelSpacing with a magnification",
        found="an uncalibrated spacing at the detector" if imager else "no spacing",
        mend="give mm_per_px in endplates.json",
    )


def _pair(value: Any) -> tuple[float, float] | None:
    try:
        row, col = (float(part) for part in value)
    except (TypeError, ValueError):
        return None
    return (row, col) if row > 0.0 and col > 0.0 else None
