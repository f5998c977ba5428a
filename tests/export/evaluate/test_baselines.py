"""The free predictors are fitted, kept and read back; a wrong file is named."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import pytest

from calib.phantom.splits import SPLITS
from edge.errors import UsageError
from edge.runtime.manifest import INTERVAL_NAMES
from export.evaluate.baselines import (
    Baselines,
    fit_baselines,
    load_baselines,
    save_baselines,
    shipped_path,
    true_angles,
)
from export.evaluate.skin_line import surface_angles
from export.train.sample import SampleSource, TrainingSample


class Repeated:
    """The samples of a source over and over, as many as asked for."""

    def __init__(self, source: SampleSource, times: int) -> None:
        self.samples = [source[i] for i in range(len(source))] * times

    def __len__(self) -> int:
        return len(self.samples)

    def __getitem__(self, index: int) -> TrainingSample:
        return self.samples[index]


@pytest.fixture(scope="module")
def spines(made_source) -> SampleSource:
    return made_source(np.linspace(8.0, 28.0, 10).tolist())


@pytest.fixture(scope="module")
def fitted(spines: SampleSource) -> Baselines:
    return fit_baselines(Repeated(spines, 30), "made spines")


def test_the_mean_is_the_mean(fitted: Baselines, spines: SampleSource) -> None:
    truths = [true_angles(spines[i].endplates_mm.astype(float)) for i in range(len(spines))]

    for name in INTERVAL_NAMES:
        assert fitted.mean_deg[name] == pytest.approx(np.mean([t[name] for t in truths]), abs=1e-3)


def test_the_calibrated_skin_line_is_never_worse_than_the_mean_where_it_was_fitted(
    fitted: Baselines, spines: SampleSource
) -> None:
    squares = {"skin": 0.0, "mean": 0.0}
    for i in range(len(spines)):
        true = true_angles(spines[i].endplates_mm.astype(float))["centreline_kyphosis"]
        squares["skin"] += (fitted.from_skin(*surface_angles(spines[i].view))["centreline_kyphosis"] - true) ** 2
        squares["mean"] += (fitted.mean_deg["centreline_kyphosis"] - true) ** 2

    assert squares["skin"] < 0.1 * squares["mean"], "these skins follow their spines"


def test_too_few_subjects_are_refused(spines: SampleSource) -> None:
    with pytest.raises(UsageError, match="too few subjects"):
        fit_baselines(spines, "made spines")


def test_subjects_with_unknown_coordinates_are_left_out(spines: SampleSource) -> None:
    source = Repeated(spines, 31)
    blind = source.samples[0].endplates_mm.copy()
    blind[..., 2] = np.nan
    source.samples[0] = dataclasses.replace(source.samples[0], endplates_mm=blind)
    source.samples[1] = dataclasses.replace(source.samples[1], endplates_mm=None)

    assert fit_baselines(source, "made spines").subjects == 308


def test_the_file_comes_back_as_it_was(fitted: Baselines, tmp_path: Path) -> None:
    path = tmp_path / "deep" / "b.json"
    save_baselines(fitted, path)

    assert load_baselines(path) == fitted
    assert [p.name for p in path.parent.iterdir()] == ["b.json"]


@pytest.mark.parametrize("content", ["", "[]", '{"schema_version": "latx-baselines/9"}'])
def test_another_file_is_refused_with_the_command_that_makes_one(tmp_path: Path, content: str) -> None:
    path = tmp_path / "b.json"
    path.write_text(content)

    with pytest.raises(UsageError, match="latx-export baselines"):
        load_baselines(path)
    with pytest.raises(UsageError, match="no baselines"):
        load_baselines(tmp_path / "none.json")


def test_the_shipped_baselines_were_fitted_on_training_seeds_alone() -> None:
    shipped = load_baselines(shipped_path("typical"))
    first, last = shipped.fitted_on.split()[2].split(":")

    assert int(first) in SPLITS["train"]
    assert int(last) - 1 in SPLITS["train"]
    assert set(shipped.mean_deg) == set(shipped.skin_line) == set(INTERVAL_NAMES)
    assert shipped.subjects >= 300
