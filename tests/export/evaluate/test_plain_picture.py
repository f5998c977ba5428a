"""The plain U-Net draws beside the bundle in one evaluation; repeated scans are told by camera."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from edge.runtime.manifest import INTERVAL_NAMES
from export.cli import main
from export.evaluate.baselines import load_baselines
from export.evaluate.case import Case
from export.evaluate.plain_picture import NAME
from export.evaluate.predictors import as_they_are
from export.evaluate.report import rows_of
from export.evaluate.sections import repeatability_values, section_text, section_values
from export.model.unet import PlainUNet, UNetConfig
from export.train.loop import save_atomic

SHIPPED = Path(__file__).parents[3] / "export" / "evaluate" / "shipped"
TRUE = {"sacral_slope": 40.0, "cobb_major": 12.0}


def case(name: str, **changes: object) -> Case:
    return Case(name=name, true_deg=TRUE, predicted_deg=TRUE, interval_deg=dict.fromkeys(TRUE, (0.0, 90.0)), **changes)


@pytest.fixture
def weights(tmp_path: Path) -> Path:
    net = PlainUNet(UNetConfig((4, 4), 4))
    path = tmp_path / "pix2pix.pt"
    save_atomic({"config": net.config.to_json(), "net": net.state_dict()}, path)
    return path


def test_both_radiographs_are_held_against_the_true_one(
    weights: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "e.json"
    code = main(["evaluate", "--tier", "sensor", "--subjects", "1", "--first-seed", "3", "--frames", "1", "--threads",
                 "1", "--radiographs", "1", "--pix2pix", str(weights), "--baselines", str(SHIPPED / "typical.json"),
                 "--cache", str(tmp_path / "kept"), "--json", str(out)])

    printed = capsys.readouterr()
    content = json.loads(out.read_text())
    assert code == 0, printed.err
    assert "pix2pix" in printed.out
    assert content["radiograph"]["ssim"] > content["radiograph_pix2pix"]["ssim"], "one of the two was never trained"
    assert content["radiograph"]["subjects"] == content["radiograph_pix2pix"]["subjects"] == 1


def test_weights_of_another_network_are_refused_in_a_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    save_atomic({"config": {"width": 8}, "net": {}}, tmp_path / "other.pt")

    assert main(["evaluate", "--subjects", "1", "--pix2pix", str(tmp_path / "other.pt")]) == 4

    error = capsys.readouterr().err
    assert error.count("\n") == 1
    assert "Traceback" not in error


def test_what_is_read_off_the_plain_picture_is_a_predictor_where_it_says_something() -> None:
    cases = [case(f"s{k}", others_deg={NAME: {"sacral_slope": 38.0 + k}}) for k in range(3)]
    rows = rows_of(cases, as_they_are(cases, INTERVAL_NAMES, load_baselines(SHIPPED / "typical.json")))
    said = {(row.angle, row.predictor): row.score.mae_deg for row in rows if row.predictor == NAME}
    assert said == {("sacral_slope", NAME): pytest.approx(1.0)}


def test_repeatability_is_pooled_over_all_and_by_camera() -> None:
    def repeated(name: str, camera: str, spread: float) -> Case:
        values = {"sacral_slope": [40 - spread, 40.0, 40 + spread]}
        return case(name, about={"camera": camera}, repeats_deg=values)

    cases = [repeated("a", "near", 1.0), repeated("b", "far", 3.0), case("c", about={"camera": "far"})]
    found = repeatability_values(cases)

    assert {group: own["sacral_slope"] for group, own in found.items()} == pytest.approx(
        {"all": float(np.sqrt(5.0)), "far": 3.0, "near": 1.0})
    assert "2.24" in section_text(section_values(cases))
    assert repeatability_values(cases[2:]) == {}
