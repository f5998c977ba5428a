"""Each predictor is fitted on others than the subject that it is asked about, and the table adds up."""

from __future__ import annotations

import numpy as np
import pytest

from edge.runtime.manifest import INTERVAL_NAMES
from export.evaluate.baselines import Baselines, SkinCalibration
from export.evaluate.case import Case
from export.evaluate.predictors import MODEL, as_they_are, leave_one_out, line_one_out
from export.evaluate.report import report_json, report_text, rows_of

KYPHOSIS = [20.0, 30.0, 40.0, 50.0, 60.0]
BASELINES = Baselines(
    fitted_on="made up here",
    subjects=300,
    mean_deg=dict.fromkeys(INTERVAL_NAMES, 35.0),
    skin_line=dict.fromkeys(INTERVAL_NAMES, SkinCalibration(kyphosis=1.0, lordosis=0.5, offset_deg=2.0)),
)


def case(kyphosis: float, refusal: str = "") -> Case:
    if refusal:
        return Case(name="made", true_deg={"centreline_kyphosis": kyphosis}, refusal=refusal)
    predicted = 0.5 * kyphosis + 10.0
    return Case(
        name=f"made {kyphosis:g}",
        true_deg={"centreline_kyphosis": kyphosis},
        predicted_deg={"centreline_kyphosis": predicted},
        interval_deg={"centreline_kyphosis": (predicted - 8.0, predicted + 8.0)},
        surface_deg=(kyphosis - 6.0, 8.0),
        accepted_frames=12,
    )


@pytest.fixture
def cases() -> list[Case]:
    return [case(k) for k in KYPHOSIS]


def test_the_predictors_say_what_they_were_fitted_to_say(cases: list[Case]) -> None:
    said = as_they_are(cases, INTERVAL_NAMES, BASELINES)

    assert said[MODEL]["centreline_kyphosis"].tolist() == [20, 25, 30, 35, 40]
    assert said["calibrated skin line"]["centreline_kyphosis"].tolist() == KYPHOSIS
    assert said["population mean"]["centreline_kyphosis"].tolist() == [35.0] * 5
    assert np.isnan(said[MODEL]["sacral_slope"]).all()


def test_leaving_one_out_mends_a_model_that_is_wrong_by_a_line(cases: list[Case]) -> None:
    said = leave_one_out(cases, INTERVAL_NAMES)

    np.testing.assert_allclose(said["model, line fitted one out"]["centreline_kyphosis"], KYPHOSIS, atol=1e-9)
    np.testing.assert_allclose(said["skin line, fitted one out"]["centreline_kyphosis"], KYPHOSIS, atol=1e-9)
    np.testing.assert_allclose(said["mean of the others"]["centreline_kyphosis"], [45, 42.5, 40, 37.5, 35])


def test_a_subject_never_sees_its_own_truth() -> None:
    x, y = np.arange(6.0), np.array([0.0, 1.0, 2.0, 3.0, 4.0, 99.0])

    assert line_one_out(x, y)[5] == pytest.approx(5.0)


def test_too_few_subjects_are_not_fitted(cases: list[Case]) -> None:
    assert leave_one_out(cases[:3], INTERVAL_NAMES) == {}


def test_the_table_holds_every_predictor_with_ratios_and_names_the_refused(cases: list[Case]) -> None:
    predictions = as_they_are(cases, INTERVAL_NAMES, BASELINES)
    rows = rows_of(cases, predictions)
    everybody = [*cases, case(33.0, refusal="no result: the person is turned")]

    assert {row.angle for row in rows} == {"centreline_kyphosis"}, "an angle without truth has no row"
    model, skin, mean = rows
    assert (model.score.mae_deg, model.score.bias_deg) == (10.0, -10.0)
    assert model.in_interval == pytest.approx(0.4)
    assert skin.score.mae_deg == 0.0
    assert mean.ratio == pytest.approx(10.0 / 13.0)
    text = report_text("Made", everybody, rows, BASELINES)
    assert "5 of 6 subjects" in text
    assert "the person is turned" in text
    assert "made up here" in text
    content = report_json("Made", everybody, rows, BASELINES)
    assert content["scores"][0]["mae_deg"] == 10.0
    assert content["scores"][1]["model_mae_over_this"] is None, "nothing is divided by an error of zero"
    assert content["cases"][-1]["surface_deg"] is None
