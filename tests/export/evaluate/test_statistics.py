"""The numbers of an evaluation are what their names say: on inputs small enough to know the answer."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from edge.errors import UsageError
from edge.measure.interval_model import IntervalModel
from edge.runtime.manifest import INTERVAL_NAMES
from export.cli import main
from export.evaluate.calibration import calibrate, with_tier_intervals
from export.evaluate.campaign import Campaign
from export.evaluate.case import Case
from export.evaluate.film_agreement import film_agreement
from export.evaluate.forest import Forest
from export.evaluate.groups import GROUPINGS
from export.evaluate.interval_fit import fit_interval_model, with_intervals
from export.evaluate.landmark_error import landmark_errors
from export.evaluate.line_error import line_error
from export.evaluate.plots import FILES, write_plots
from export.evaluate.regressions import BOOSTED, NAMES, RIDGE, fit_regressions, load_regressions, save_regressions
from export.evaluate.result_cache import ResultCache
from export.evaluate.score import mae_ratio_ci, score
from export.evaluate.screening import roc, screening
from export.evaluate.sections import interval_values, section_text, section_values
from export.evaluate.skin_features import FEATURES


def made_case(number: int, rng: np.random.Generator, wide: bool = False, hard: bool = False) -> Case:
    """A subject whose errors grow with the model's own doubt; a ``hard`` one's faster than that."""
    doubt = float(rng.uniform(4.0, 6.0) if hard else rng.uniform(1.0, 4.0))
    sd = 1.5 * doubt if hard else doubt
    true = {name: float(rng.uniform(5.0, 60.0)) for name in INTERVAL_NAMES}
    measured = {name: max(value + sd * float(rng.standard_normal()), 0.0) for name, value in true.items()}
    reach = 30.0 if wide else 1.645 * doubt
    return Case(
        name=f"seed {number}", true_deg=true, predicted_deg=measured, sd_deg=dict.fromkeys(INTERVAL_NAMES, doubt),
        repeatability_deg=dict.fromkeys(INTERVAL_NAMES, 0.5), accepted_frames=4,
        interval_deg={name: (value - reach, value + reach) for name, value in measured.items()},
        about={"sex": "female" if number % 2 else "male", "age_years": 10.0 + number % 8, "bmi": 16.0 + number % 7},
        quality={"distance_m": 1.2, "missing_share": 0.02},
    )


@pytest.fixture(scope="module")
def cases() -> list[Case]:
    rng = np.random.default_rng(0)
    return [made_case(number, rng) for number in range(240)]


def test_scores_of_a_known_error_are_exact() -> None:
    found = score([12.0, 18.0, 33.0, 39.0], [10.0, 20.0, 30.0, 40.0], resamples=200)

    assert found is not None
    assert found.mae_deg == pytest.approx(2.0)
    assert found.bias_deg == pytest.approx(0.5)
    assert found.high_deg - found.low_deg == pytest.approx(2 * 1.96 * found.sd_deg)
    assert found.ci["mae_deg"][0] <= 2.0 <= found.ci["mae_deg"][1]


def test_icc_asks_for_agreement_where_pearson_asks_for_a_line() -> None:
    true = np.arange(10.0, 60.0, 5.0)

    offset, same = score(true + 15.0, true), score(true, true)

    assert offset is not None
    assert same is not None
    assert offset.r == pytest.approx(1.0)
    assert offset.icc < 0.75
    assert same.icc == pytest.approx(1.0)


def test_a_model_that_errs_half_as_much_has_that_ratio() -> None:
    rng = np.random.default_rng(1)
    true = rng.uniform(10, 60, 300)
    off = rng.standard_normal(300)

    low, high = mae_ratio_ci(true + off, true + 2 * off, true)

    assert low == pytest.approx(0.5)
    assert high == pytest.approx(0.5)


def test_a_perfect_ranking_fills_the_roc_and_a_useless_one_halves_it() -> None:
    true = np.array([0.0, 5.0, 8.0, 12.0, 25.0, 40.0])

    perfect, useless = screening(true, true, 10.0), screening(np.full(6, 7.0), true, 10.0)

    assert (perfect.area, perfect.sensitivity, perfect.specificity) == (1.0, 1.0, 1.0)
    assert useless.area == pytest.approx(0.5)
    assert useless.sensitivity == 0.0
    assert roc(true, true >= 10.0)[0][-1] == 1.0


def test_a_radiograph_agrees_with_itself_and_less_with_a_blurred_one() -> None:
    film = np.random.default_rng(0).uniform(0, 5, (512, 256)).astype(np.float32)
    blurred = np.asarray(cv2.GaussianBlur(film, (0, 0), 2.0), np.float32)

    same, other = film_agreement(film, film), film_agreement(blurred, film)

    assert same["ssim"] == pytest.approx(1.0)
    assert same["ms_ssim"] == pytest.approx(1.0)
    assert other["ssim"] < 0.9
    assert other["psnr_db"] < 20


def test_a_line_that_is_moved_is_off_by_so_much() -> None:
    y = np.linspace(20, -400, 37)
    endplates = np.zeros((37, 4, 3))
    endplates[..., 0], endplates[..., 1] = 60.0, y[:, None]
    line = np.stack([np.full(50, 63.0), np.linspace(10, -380, 50), np.full(50, 4.0)], axis=1)

    error = line_error(endplates, line)

    assert error.distance_mm == pytest.approx(5.0)
    assert (error.depth_mm, error.lateral_mm) == (pytest.approx(3.0), pytest.approx(4.0))
    assert error.shape_mm == pytest.approx(0.0, abs=1e-9)


def test_landmark_errors_are_told_by_level() -> None:
    true = np.zeros((37, 4, 3))
    got = true.copy()
    got[-1, :, 1] = 8.0
    case = Case(name="made", true_deg={}, endplates_mm=got.tolist(), true_endplates_mm=true.tolist())

    table = landmark_errors([case])

    assert table["S1"]["distance_mm"] == pytest.approx(8.0)
    assert table["L5"]["distance_mm"] == 0.0


def test_groups_part_everybody_once(cases: list[Case]) -> None:
    for grouping in GROUPINGS[:4]:
        assert sum(len(own) for own in grouping.groups(cases).values()) == len(cases)


def test_every_section_is_told_and_drawn(cases: list[Case], tmp_path: Path) -> None:
    text = section_text(section_values(cases))

    assert "90 % intervals" in text
    assert "ROC area" in text
    assert "sex: female" in text
    assert [path.name for path in write_plots(cases[:20], tmp_path, "made")] == list(FILES)


def test_calibrated_intervals_hold_what_they_promise_on_others_and_follow_the_doubt() -> None:
    rng = np.random.default_rng(5)
    seen = [made_case(n, rng, wide=True) for n in range(300)]
    unseen = [made_case(n, rng, wide=True) for n in range(300)]

    model = fit_interval_model(seen, "made subjects")
    fitted = [with_intervals(case, model) for case in unseen]

    held = [c.interval_deg[n][0] <= c.true_deg[n] <= c.interval_deg[n][1] for c in fitted for n in INTERVAL_NAMES]
    assert 0.86 <= np.mean(held) <= 0.94
    name = "sacral_slope"
    width = {c.name: c.interval_deg[name][1] - c.predicted_deg[name] for c in fitted}
    doubt = {c.name: c.sd_deg[name] for c in fitted}
    assert np.corrcoef(list(width.values()), list(doubt.values()))[0, 1] > 0.8


def test_large_curves_that_come_out_too_small_are_held_as_often_as_small_ones(monkeypatch: pytest.MonkeyPatch) -> None:
    def shrunk(number: int, rng: np.random.Generator) -> Case:
        """What is found errs either way, but every eighth curve is larger than anything shows."""
        case = made_case(number, rng)
        seen = float(rng.uniform(0.0, 20.0))
        true = seen + (float(rng.uniform(5.0, 25.0)) if rng.random() < 0.125 else 0.0)
        found = max(seen + 3.0 * rng.normal(), 0.0)
        return case.model_copy(update={"true_deg": {**case.true_deg, "cobb_major": true},
                                       "predicted_deg": {**case.predicted_deg, "cobb_major": found}})

    def held_of_the_largest_third() -> tuple[float, float]:
        rng = np.random.default_rng(8)
        model = fit_interval_model([shrunk(n, rng) for n in range(600)], "made subjects")
        cases = [with_intervals(shrunk(n, rng), model) for n in range(3000)]
        true = np.array([c.true_deg["cobb_major"] for c in cases])
        low, high = np.array([c.interval_deg["cobb_major"] for c in cases]).T
        holds = (low <= true) & (true <= high)
        return float(holds[true > np.quantile(true, 2 / 3)].mean()), float(holds.mean())

    largest, every = held_of_the_largest_third()
    monkeypatch.setattr("export.evaluate.interval_fit.MISSED_ABOVE", (0.5,))
    largest_with_even_ends, _ = held_of_the_largest_third()

    assert every == pytest.approx(0.90, abs=0.04)
    assert largest == pytest.approx(every, abs=0.04)
    assert largest_with_even_ends < largest - 0.05


def test_too_few_subjects_calibrate_nothing(cases: list[Case]) -> None:
    with pytest.raises(UsageError, match="too few subjects"):
        fit_interval_model(cases[:50], "made subjects")


def test_intervals_of_the_own_tier_are_told_beside_those_of_the_device() -> None:
    rng = np.random.default_rng(6)
    model = fit_interval_model([made_case(n, rng) for n in range(300)], "made subjects")
    cases = [made_case(n, rng) for n in range(300)]

    values = section_values(with_tier_intervals(cases, model))

    own = [v["coverage"] for v in values["intervals_of_tier"]["all"].values()]
    assert 0.86 <= np.mean(own) <= 0.94
    assert values["intervals"] == interval_values(cases)
    assert "calibrated on this tier" in section_text(values)
    assert "calibrated on this tier" not in section_text(section_values(cases))


def test_intervals_are_calibrated_on_validation_seeds_only(tmp_path: Path) -> None:
    typical, hard = (Campaign(None, "", tier, 1, 1, tmp_path) for tier in ("typical", "hard"))
    with pytest.raises(UsageError, match="not validation seeds"):
        calibrate([(typical, range(200_000, 200_200)), (hard, range(0, 200))], 1)
    assert not list(tmp_path.iterdir())  # refused before anybody was measured


def test_every_tier_needs_its_number_of_subjects(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["intervals", "edge/bundle", "--tier", "typical", "hard", "--subjects", "200"]) == 2
    assert "expected 2 numbers" in capsys.readouterr().err


def test_intervals_of_two_kinds_hold_for_both_where_the_doubt_tells_them_apart() -> None:
    rng = np.random.default_rng(8)
    usual, hard = ([made_case(n, rng, hard=kind) for n in range(count)] for kind, count in ((False, 400), (True, 100)))

    alone, both = fit_interval_model(usual, "one kind"), fit_interval_model(usual + hard, "two kinds")

    def held(model: IntervalModel, kind: bool) -> float:
        unseen = [with_intervals(made_case(n, rng, hard=kind), model) for n in range(600)]
        return float(np.mean([angle["coverage"] for angle in interval_values(unseen)["all"].values()]))

    assert held(both, False) == pytest.approx(0.9, abs=0.03)
    assert held(both, True) > held(alone, True) + 0.05


def test_a_kept_result_is_found_for_the_same_question_only(cases: list[Case], tmp_path: Path) -> None:
    cache = ResultCache(tmp_path)
    cache.keep({"seed": 1, "frames": 4}, cases[0])

    assert cache.find({"frames": 4, "seed": 1}) == cases[0]
    assert cache.find({"seed": 1, "frames": 5}) is None
    next(tmp_path.iterdir()).write_text("{}")
    assert cache.find({"seed": 1, "frames": 4}) is None
    assert ResultCache(None).find({"seed": 1}) is None


def test_a_forest_of_one_stump_does_what_it_says() -> None:
    stump = Forest(np.array([[0, -1, -1]], np.int16), np.array([[0.5, 0, 0]], np.float32),
                   np.array([[1, 0, 0]], np.int16), np.array([[2, 0, 0]], np.int16),
                   np.array([[0, -3.0, 4.0]], np.float32), base=1.0)

    assert stump.predict(np.array([[0.0], [1.0]])).tolist() == [-2.0, 5.0]


def test_regressions_learn_what_the_shape_tells_and_come_back_from_their_file(tmp_path: Path) -> None:
    rng = np.random.default_rng(2)
    bend = rng.standard_normal((160, 1))  # every height of a back tells of the same bend
    x = bend * rng.standard_normal(FEATURES) + 0.3 * rng.standard_normal((160, FEATURES))
    y = 40.0 + 6.0 * bend + rng.standard_normal((160, 9))

    fitted = fit_regressions(x[:120], x[:120], y[:120], "made subjects")
    save_regressions(fitted, tmp_path / "r.npz")
    said = load_regressions(tmp_path / "r.npz").predict(x[120:])

    assert set(said) == set(NAMES)
    plain = np.abs(y[120:, 0] - y[:120, 0].mean()).mean()
    for who in (RIDGE, BOOSTED):
        assert np.abs(said[who][INTERVAL_NAMES[0]] - y[120:, 0]).mean() < 0.4 * plain
    for who, values in fitted.predict(x[120:]).items():
        np.testing.assert_allclose(said[who]["sacral_slope"], values["sacral_slope"], atol=0.05)
    with pytest.raises(UsageError, match="latx-export baselines"):
        load_regressions(tmp_path / "none.npz")
