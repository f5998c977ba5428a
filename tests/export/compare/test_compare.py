"""Two models on the same views: equal ones do not differ, a turned spine differs by its angle, quantiles are true."""

from __future__ import annotations

import json

import numpy as np
import pytest

from edge.errors import UsageError
from edge.runtime.bundle import DEFAULT_BUNDLE
from edge.runtime.manifest import INTERVAL_NAMES
from export.cli import main
from export.compare.contender import contender
from export.compare.measure import TensorErrors, angles_deg, compare
from export.compare.report import as_json, text

DEMO = DEFAULT_BUNDLE.parent / "demo" / "recording.mcap"


class Model:
    """Answers a spine whose every angle grows with ``bend``, whatever it is shown."""

    def __init__(self, bend: float) -> None:
        self.bend = bend

    def run(self, _view):
        down = np.linspace(20.0, -410.0, 37)
        tilt = np.radians(self.bend) * np.cos(down / 70)
        centre = np.stack([60 - 0.1 * down, down, np.zeros(37)], axis=-1)
        forward = np.stack([np.cos(tilt), np.sin(tilt), np.zeros(37)], axis=-1) * 16
        side = np.array([0, 0, 20.0])
        spine = np.stack([centre + forward, centre - forward, centre - side, centre + side], axis=1)
        return {"endplates_mm": spine[None].astype(np.float32),
                "log_attenuation": np.linspace(0, 1, 100, dtype=np.float32) + self.bend / 1000}, {}


def test_the_drift_is_that_of_the_angles() -> None:
    scans = [[{"back_view": np.zeros(1)}] * 3] * 2
    found = compare(["a", "b", "c"], [Model(10.0), Model(10.0), Model(12.0)], scans)
    assert (found.recordings, found.views) == (2, 6)
    assert np.max(found.comparisons[1].scan_drift_deg) == 0.0
    expected = np.abs(angles_deg(Model(12.0).run({})[0]["endplates_mm"][0])
                      - angles_deg(Model(10.0).run({})[0]["endplates_mm"][0]))
    np.testing.assert_allclose(found.comparisons[2].scan_drift_deg[0], expected)
    assert expected.max() > 1.0
    report = as_json(found)
    assert report["contenders"][2]["angles_deg"][INTERVAL_NAMES[0]]["mean"] == pytest.approx(expected[0])
    assert report["contenders"][2]["tensors_of_range"]["log_attenuation"]["p95"] == pytest.approx(0.002, rel=0.02)
    assert "all angles" in text(found)


def test_quantiles_are_those_of_all_values_together() -> None:
    rng = np.random.default_rng(0)
    want = np.linspace(0, 1, 5000, dtype=np.float32)
    off = rng.exponential(1e-3, (4, 5000)).astype(np.float32)
    errors = TensorErrors()
    for row in off:
        errors.add(want, want + row)
    for share in (0.5, 0.95, 0.99):
        assert errors.quantile(share) == pytest.approx(np.quantile(off, share), rel=0.02)
    assert errors.worst == pytest.approx(off.max(), rel=1e-3)


def test_a_model_is_named_by_bundle_and_form() -> None:
    assert contender("some/bundle@int8-cpu").form == "int8-cpu"
    assert contender("some/bundle").form == "fp32"
    with pytest.raises(UsageError, match="unknown precision"):
        contender("some/bundle@int4")


def test_the_program_compares_the_shipped_bundle_with_itself(tmp_path, capsys) -> None:
    found = tmp_path / "found.json"
    bundle = str(DEFAULT_BUNDLE)
    argv = ["compare", bundle, bundle, "--recordings", str(DEMO), "--frames", "1", "--threads", "1"]
    assert main([*argv, "--json", str(found)]) == 0
    assert "two bare stages" in capsys.readouterr().out
    assert json.loads(found.read_text())["contenders"][1]["worst_deg"] == 0.0


@pytest.mark.parametrize(("argv", "code", "message"), [
    ([str(DEFAULT_BUNDLE)], 2, "nothing to compare with"),
    ([str(DEFAULT_BUNDLE), f"{DEFAULT_BUNDLE}@int4"], 2, "unknown precision"),
    (["no/bundle", "no/bundle"], 4, "no model bundle"),
])
def test_bad_input_ends_in_one_line(argv, code, message, capsys) -> None:
    assert main(["compare", *argv, "--recordings", str(DEMO)]) == code
    assert message in capsys.readouterr().err


def test_a_folder_without_recordings_is_refused(tmp_path, capsys) -> None:
    assert main(["compare", str(DEFAULT_BUNDLE), str(DEFAULT_BUNDLE), "--recordings", str(tmp_path)]) == 2
    assert "no recording here" in capsys.readouterr().err
