"""A calibration set is whole, listed by hash, and holds nothing that would spoil ranges."""

from __future__ import annotations

import numpy as np
import pytest

from calib.cli import main
from calib.collect import view_check
from calib.collect.calibration_set import SET_FILE, load_set, write_set
from edge.errors import OutputError, UsageError
from edge.runtime.runner import TensorSpec

SPECS = {"back_view": TensorSpec("back_view", (1, 2, 4, 3)), "lateral_lift": TensorSpec("lateral_lift", (1, 1, 4, 3))}
STAGE_1 = "a" * 64


def views(count, seed=0):
    rng = np.random.default_rng(seed)
    return [{n: rng.normal(size=s.shape).astype(np.float32) for n, s in SPECS.items()} for _ in range(count)]


def written(folder, content):
    return write_set(folder, iter(content), SPECS, 8, STAGE_1, "2026-01-02T03:04:05Z")


def test_what_was_written_is_read_back(tmp_path) -> None:
    content = views(64)
    written(tmp_path / "set", content)
    got = load_set(tmp_path / "set", SPECS, STAGE_1)
    assert len(got.views) == 64
    np.testing.assert_array_equal(got.views[5]["back_view"], content[5]["back_view"])


@pytest.mark.parametrize(("count", "found"), [(63, "found 63"), (0, "found 0")])
def test_fewer_than_64_views_are_refused_and_nothing_is_left(tmp_path, count, found) -> None:
    with pytest.raises(UsageError, match=found):
        written(tmp_path / "set", views(count))
    assert list(tmp_path.iterdir()) == []


def test_the_same_view_again_and_again_does_not_count(tmp_path) -> None:
    with pytest.raises(UsageError, match="64 different ones, found 1"):
        written(tmp_path / "set", views(1) * 70)


BAD = {
    "NaN": (lambda v: v["back_view"].__setitem__((0, 0, 0, 0), np.nan), "NaN"),
    "infinite": (lambda v: v["back_view"].__setitem__((0, 0, 0, 0), np.inf), "infinity"),
    "constant": (lambda v: v["lateral_lift"].fill(2.0), "constant"),
    "empty": (lambda v: v.update(back_view=np.zeros((0,), np.float32)), "another size"),
    "other size": (lambda v: v.update(back_view=np.zeros((1, 2, 4, 4), np.float32)), "another size"),
    "other type": (lambda v: v.update(back_view=v["back_view"].astype(np.float64)), "another size"),
    "missing": (lambda v: v.pop("lateral_lift"), "does not hold the stages' inputs"),
}


@pytest.mark.parametrize("case", BAD)
def test_a_bad_view_is_refused_by_number_when_written(tmp_path, case) -> None:
    spoil, message = BAD[case]
    content = views(64)
    spoil(content[3])
    with pytest.raises(UsageError, match=rf"view 3.*{message}"):
        written(tmp_path / "set", content)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("case", BAD)
def test_a_bad_view_is_refused_by_file_when_read(tmp_path, case, monkeypatch) -> None:
    spoil, message = BAD[case]
    content = views(64)
    spoil(content[3])
    with monkeypatch.context() as lax:
        lax.setattr("calib.collect.calibration_set.check_view", lambda *_: None)
        written(tmp_path / "set", content)
    with pytest.raises(UsageError, match=rf"view-0003\.npz.*{message}"):
        load_set(tmp_path / "set", SPECS, STAGE_1)


def test_one_altered_byte_is_refused_by_name(tmp_path) -> None:
    written(tmp_path / "set", views(64))
    path = tmp_path / "set" / "view-0010.npz"
    raw = bytearray(path.read_bytes())
    raw[100] ^= 1
    path.write_bytes(raw)
    with pytest.raises(UsageError, match=r"view-0010\.npz.*altered"):
        load_set(tmp_path / "set", SPECS, STAGE_1)


def test_a_set_of_another_stage_1_or_none_at_all_is_refused(tmp_path) -> None:
    written(tmp_path / "set", views(64))
    with pytest.raises(UsageError, match="another stage 1"):
        load_set(tmp_path / "set", SPECS, "b" * 64)
    with pytest.raises(UsageError, match="no calibration set"):
        load_set(tmp_path, SPECS, STAGE_1)
    (tmp_path / "set" / SET_FILE).write_text("{")
    with pytest.raises(UsageError, match="does not fit"):
        load_set(tmp_path / "set", SPECS, STAGE_1)


def test_a_full_disk_and_ctrl_c_leave_the_former_set(tmp_path, monkeypatch) -> None:
    written(tmp_path / "set", views(64))
    before = (tmp_path / "set" / SET_FILE).read_bytes()
    for failure, expected in ((OSError(28, "No space left on device"), OutputError), (KeyboardInterrupt(),) * 2):
        def fail(*_args, failure=failure, **_kwargs):
            raise failure

        monkeypatch.setattr(np, "savez_compressed", fail)
        with pytest.raises(expected if isinstance(expected, type) else KeyboardInterrupt):
            written(tmp_path / "set", views(64, seed=1))
    assert (tmp_path / "set" / SET_FILE).read_bytes() == before
    assert [p.name for p in tmp_path.iterdir()] == ["set"]


def test_a_folder_with_something_else_is_not_overwritten(tmp_path) -> None:
    (tmp_path / "photo.txt").write_text("mine")
    with pytest.raises(UsageError, match="no calibration set"):
        written(tmp_path, views(64))
    assert (tmp_path / "photo.txt").read_text() == "mine"


def test_the_program_collects_through_the_devices_path(tmp_path, capsys, monkeypatch) -> None:
    from edge.runtime.bundle import DEFAULT_BUNDLE

    demo = DEFAULT_BUNDLE.parent / "demo" / "recording.mcap"
    code = main(["collect", str(demo), "--frames", "2", "--out", str(tmp_path / "set"), "--threads", "1"])
    assert code == 2
    assert "too few calibration views" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []
    monkeypatch.setattr(view_check, "MIN_VIEWS", 2)
    assert main(["collect", str(demo), "--frames", "2", "--out", str(tmp_path / "set"), "--threads", "1"]) == 0
    assert "2 views of 1 recordings" in capsys.readouterr().out
    with np.load(tmp_path / "set" / "view-0000.npz") as stored:
        assert set(stored.files) == {"back_view", "lateral_lift", "warped_template", "back_features",
                                     "landmark_tokens", "endplates_mm"}


def test_what_is_no_recording_is_refused_by_name(tmp_path, capsys) -> None:
    assert main(["collect", str(tmp_path / "nothing"), "--out", str(tmp_path / "set")]) == 2
    assert "no recording here" in capsys.readouterr().err
