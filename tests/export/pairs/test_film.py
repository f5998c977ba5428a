"""Radiographs of every meaning come out as log attenuation with the size of their pixels at the patient."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pydicom
import pytest

from edge.errors import RecordingError
from export.pairs.annotation import Annotation
from export.pairs.film import SCALE_LOG_ATTENUATION, read_film

MARKERS: list[dict[str, Any]] = [{"name": "C7", "radiograph_px": [1, 1], "camera_px": [1, 1]}]
ATTENUATION = np.linspace(0.0, 6.0, 48 * 64, dtype=np.float32).reshape(64, 48)


def annotation(**fields: Any) -> Annotation:
    return Annotation.model_validate({"schema_version": "latx-pair/1", "markers": MARKERS, **fields})


def dicom(path: Path, stored: np.ndarray, **attributes: Any) -> Path:
    data = pydicom.Dataset()
    data.file_meta = pydicom.dataset.FileMetaDataset()
    data.file_meta.TransferSyntaxUID = pydicom.uid.ExplicitVRLittleEndian
    data.SOPClassUID = pydicom.uid.DigitalXRayImageStorageForProcessing
    data.SOPInstanceUID = pydicom.uid.generate_uid(entropy_srcs=[path.name])
    data.Rows, data.Columns = stored.shape[:2]
    data.SamplesPerPixel = 1 if stored.ndim == 2 else 3
    bits = 8 * stored.dtype.itemsize
    data.BitsAllocated, data.BitsStored, data.HighBit = bits, bits, bits - 1
    data.PixelRepresentation = int(stored.dtype.kind == "i")
    data.PhotometricInterpretation = "MONOCHROME2"
    data.PixelSpacing = [0.5, 0.4]
    for name, value in attributes.items():
        if value is None:
            delattr(data, name)
        else:
            setattr(data, name, value)
    data.PixelData = stored.tobytes()
    data.save_as(path, enforce_file_format=True)
    return path


def test_calibrated_pixels_are_used_as_they_are(tmp_path: Path) -> None:
    path = dicom(tmp_path / "a.dcm", np.rint(ATTENUATION * 8000).astype(np.uint16))

    film = read_film(path, annotation(log_attenuation_per_step=1 / 8000))

    np.testing.assert_allclose(film.log_attenuation, ATTENUATION, atol=1e-4)
    assert film.spacing_mm == (0.5, 0.4)


@pytest.mark.parametrize("signed", [False, True])
def test_an_inverted_picture_is_turned_over(tmp_path: Path, signed: bool) -> None:
    steps = np.rint(ATTENUATION * 4000).astype(np.int32)
    stored = (-1 - steps).astype(np.int16) if signed else (65535 - steps).astype(np.uint16)
    path = dicom(tmp_path / "a.dcm", stored, PhotometricInterpretation="MONOCHROME1")

    film = read_film(path, annotation(log_attenuation_per_step=1 / 4000))

    np.testing.assert_allclose(film.log_attenuation, ATTENUATION, atol=2e-4)


def test_the_modality_rescale_is_applied(tmp_path: Path) -> None:
    path = dicom(tmp_path / "a.dcm", np.rint(ATTENUATION * 4000).astype(np.uint16), RescaleSlope="0.5",
                 RescaleIntercept="100", RescaleType="US")

    film = read_film(path, annotation(log_attenuation_per_step=1 / 2000))

    np.testing.assert_allclose(film.log_attenuation, ATTENUATION + 0.05, atol=5e-4)


@pytest.mark.parametrize(("photometric", "sign"), [("MONOCHROME1", 1), ("MONOCHROME2", -1)])
def test_linear_intensity_becomes_its_negative_logarithm(tmp_path: Path, photometric: str, sign: int) -> None:
    intensity = np.rint(60000 * np.exp(-ATTENUATION)).astype(np.uint16)
    stored = intensity if sign > 0 else (65535 - intensity).astype(np.uint16)
    path = dicom(tmp_path / "a.dcm", stored, PhotometricInterpretation=photometric,
                 PixelIntensityRelationship="LIN", PixelIntensityRelationshipSign=sign)

    film = read_film(path, annotation())

    np.testing.assert_allclose(film.log_attenuation, ATTENUATION, atol=0.02)


def test_an_uncalibrated_picture_is_put_on_the_phantom_s_scale(tmp_path: Path) -> None:
    path = dicom(tmp_path / "a.dcm", np.rint(ATTENUATION * 150 + 37).astype(np.uint16))

    film = read_film(path, annotation())

    assert np.percentile(film.log_attenuation, [1, 99]) == pytest.approx(SCALE_LOG_ATTENUATION, abs=0.05)
    assert np.corrcoef(film.log_attenuation.ravel(), ATTENUATION.ravel())[0, 1] > 0.999


def test_padding_was_not_exposed(tmp_path: Path) -> None:
    stored = np.rint(ATTENUATION * 8000).astype(np.uint16)
    stored[:, :5] = 65535
    path = dicom(tmp_path / "a.dcm", stored, PixelPaddingValue=65535)

    film = read_film(path, annotation(log_attenuation_per_step=1 / 8000))

    assert np.isnan(film.log_attenuation[:, :5]).all()
    np.testing.assert_allclose(film.log_attenuation[:, 5:], ATTENUATION[:, 5:], atol=1e-4)


def test_a_colour_capture_of_a_film_is_read_as_grey(tmp_path: Path) -> None:
    grey = np.rint(ATTENUATION * 40).astype(np.uint8)
    path = dicom(tmp_path / "a.dcm", np.repeat(grey[..., None], 3, axis=2), PhotometricInterpretation="RGB",
                 PlanarConfiguration=0)

    film = read_film(path, annotation(log_attenuation_per_step=1 / 40))

    np.testing.assert_allclose(film.log_attenuation, ATTENUATION, atol=0.02)


@pytest.mark.parametrize(
    ("attributes", "millimetres"),
    [
        ({}, (0.5, 0.4)),
        ({"ImagerPixelSpacing": [0.6, 0.48]}, (0.5, 0.4)),
        ({"ImagerPixelSpacing": [0.5, 0.4], "PixelSpacingCalibrationType": "FIDUCIAL"}, (0.5, 0.4)),
        ({"ImagerPixelSpacing": [0.5, 0.4], "EstimatedRadiographicMagnificationFactor": "1.25"}, (0.4, 0.32)),
        ({"PixelSpacing": None, "ImagerPixelSpacing": [0.5, 0.5], "DistanceSourceToDetector": "1800",
          "DistanceSourceToPatient": "1500"}, (0.5 / 1.2, 0.5 / 1.2)),
    ],
)
def test_the_spacing_is_that_at_the_patient(
    tmp_path: Path, attributes: dict[str, Any], millimetres: tuple[float, float]
) -> None:
    path = dicom(tmp_path / "a.dcm", np.rint(ATTENUATION * 100).astype(np.uint16), **attributes)

    assert read_film(path, annotation()).spacing_mm == pytest.approx(millimetres)
    assert read_film(path, annotation(mm_per_px=0.7)).spacing_mm == (0.7, 0.7), "a person's word counts more"


@pytest.mark.parametrize(
    "attributes", [{"PixelSpacing": None}, {"ImagerPixelSpacing": [0.5, 0.4]}, {"PixelSpacing": [0, 0]}]
)
def test_a_spacing_at_the_detector_alone_is_refused(tmp_path: Path, attributes: dict[str, Any]) -> None:
    path = dicom(tmp_path / "a.dcm", np.rint(ATTENUATION * 100).astype(np.uint16), **attributes)

    with pytest.raises(RecordingError, match="give mm_per_px"):
        read_film(path, annotation())


@pytest.mark.parametrize("deep", [np.uint8, np.uint16])
def test_a_png_of_either_depth_and_either_polarity_is_read(tmp_path: Path, deep: type) -> None:
    steps = 40 if deep is np.uint8 else 8000
    stored = np.rint(ATTENUATION * steps).astype(deep)
    cv2.imwrite(str(tmp_path / "a.png"), stored)
    cv2.imwrite(str(tmp_path / "b.png"), np.iinfo(deep).max - stored)

    plain = read_film(tmp_path / "a.png", annotation(mm_per_px=0.6, log_attenuation_per_step=1 / steps))
    turned = read_film(tmp_path / "b.png", annotation(mm_per_px=0.6, log_attenuation_per_step=1 / steps, inverted=True))

    np.testing.assert_allclose(plain.log_attenuation, ATTENUATION, atol=0.6 / steps)
    np.testing.assert_array_equal(plain.log_attenuation, turned.log_attenuation)
    assert plain.spacing_mm == (0.6, 0.6)


def test_pictures_that_cannot_be_read_are_refused(tmp_path: Path) -> None:
    (tmp_path / "a.dcm").write_bytes(b"no dicom")
    (tmp_path / "a.png").write_bytes(b"no png")
    cut = dicom(tmp_path / "b.dcm", np.rint(ATTENUATION * 100).astype(np.uint16))
    cut.write_bytes(cut.read_bytes()[:-100])
    many = dicom(tmp_path / "c.dcm", np.rint(ATTENUATION * 100).astype(np.uint16), Rows=32, NumberOfFrames=2)

    for name in ("a.dcm", "a.png", "b.dcm"):
        with pytest.raises(RecordingError, match="cannot be read"):
            read_film(tmp_path / name, annotation(mm_per_px=1.0))
    with pytest.raises(RecordingError, match="several pictures"):
        read_film(many, annotation())
    cv2.imwrite(str(tmp_path / "d.png"), np.zeros((4, 4), np.uint8))
    with pytest.raises(RecordingError, match="mm_per_px"):
        read_film(tmp_path / "d.png", annotation())
