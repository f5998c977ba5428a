"""What was measured stands in the model card, once, and the bundle stays whole."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest

from edge.errors import UsageError
from edge.runtime.bundle import DEFAULT_BUNDLE, check_bundle
from edge.runtime.manifest import INTERVAL_NAMES
from export.cli import main
from export.evaluate.baselines import Baselines, SkinCalibration
from export.evaluate.card_section import HEADING, evaluation_text, with_evaluations
from export.evaluate.case import Case
from export.evaluate.predictors import MODEL_ONE_OUT, as_they_are
from export.evaluate.report import report_json, rows_of

BASELINES = Baselines(
    fitted_on="made up here", subjects=300, mean_deg=dict.fromkeys(INTERVAL_NAMES, 35.0),
    skin_line=dict.fromkeys(INTERVAL_NAMES, SkinCalibration(kyphosis=1.0, lordosis=0.5, offset_deg=2.0)),
)


@pytest.fixture
def evaluation(tmp_path: Path) -> Path:
    """Eleven made subjects whose slope is found 2 degrees too small, one of them refused."""
    rng = np.random.default_rng(0)
    cases = [Case(name="seed 0", true_deg={"sacral_slope": 30.0}, refusal="turned")]
    for number, true in enumerate(rng.uniform(20, 50, 10)):
        cases.append(Case(
            name=f"seed {number + 1}", true_deg={"sacral_slope": true, "cobb_major": 2.0 * number},
            predicted_deg={"sacral_slope": true - 2.0, "cobb_major": 2.0 * number},
            interval_deg={"sacral_slope": (true - 9.0, true + (5.0 if number else -1.0))}, accepted_frames=4,
            reread_deg={"sacral_slope": true - 1.0}, surface_deg=(30.0, 20.0),
            repeats_deg={"sacral_slope": [30.0, 31.0, 32.0]},
        ))
    answered = [case for case in cases if case.answered]
    rows = rows_of(answered, as_they_are(answered, INTERVAL_NAMES, BASELINES))
    path = tmp_path / "evaluation.json"
    path.write_text(json.dumps(report_json("Made subjects", cases, rows, BASELINES)), encoding="utf-8")
    return path


def test_every_angle_stands_beside_the_best_of_the_others(evaluation: Path) -> None:
    card = with_evaluations("# Model card\n\n## Limits\n- many\n", [json.loads(evaluation.read_text())])

    row = next(line for line in card.splitlines() if line.startswith("| Sacral slope S1"))
    assert [cell.strip() for cell in row.split("|")][2:5] == ["2.00", "2.00 to 2.00", "-2.00"]
    assert "90 %" in row
    assert row.rstrip(" |").endswith(("population mean", "calibrated skin line"))
    assert "10 of 11 subjects with a result" in card
    assert "Cobb angle of 10 or more (5 with, 5 without): sensitivity 100 %, specificity 100 %" in card
    assert "Sacral slope S1 1.00" in card, "repeatability"
    assert "Sacral slope S1 1.0, all together 1.0; 0 % of the scans are flagged" in card
    assert card.endswith("## Limits\n- many\n")


def test_a_line_fitted_one_out_is_told_and_is_no_other_predictor(evaluation: Path) -> None:
    found = json.loads(evaluation.read_text())
    own = next(s for s in found["scores"] if s["angle"] == "sacral_slope" and s["predictor"] == "model")
    found["scores"].append(own | {"predictor": MODEL_ONE_OUT, "mae_deg": 0.25})

    text = evaluation_text([found])

    assert "line fitted on the other subjects of the set, error: Sacral slope S1 0.25." in text
    assert MODEL_ONE_OUT not in text


def test_a_second_time_takes_the_place_of_the_first(evaluation: Path) -> None:
    found = json.loads(evaluation.read_text())
    once = with_evaluations("# Model card\n\n## Limits\n", [found])

    assert with_evaluations(once, [found]) == once
    assert with_evaluations(once, [found, found]).count("### Made subjects") == 2


def test_the_bundle_is_whole_afterwards(evaluation: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    bundle = tmp_path / "bundle"
    shutil.copytree(DEFAULT_BUNDLE, bundle)

    assert main(["card", str(bundle), str(evaluation)]) == 0

    manifest, _ = check_bundle(bundle)
    assert HEADING in (bundle / manifest.model_card.file).read_text(encoding="utf-8")
    assert "Made subjects" in capsys.readouterr().out


@pytest.mark.parametrize("content", ["", "[]", '{"schema": "latx-robustness/1"}'])
def test_what_is_no_evaluation_changes_nothing(
    content: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    bundle, other = tmp_path / "bundle", tmp_path / "other.json"
    shutil.copytree(DEFAULT_BUNDLE, bundle)
    other.write_text(content, encoding="utf-8")
    before = {path.name: path.read_bytes() for path in bundle.iterdir()}

    assert main(["card", str(bundle), str(other)]) == UsageError.exit_code

    assert {path.name: path.read_bytes() for path in bundle.iterdir()} == before
    assert "latx-export evaluate --json" in capsys.readouterr().err
