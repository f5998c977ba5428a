from __future__ import annotations

import numpy as np
import pytest

from edge.camera import open_camera


def frames_of(path):
    frames = []
    with open_camera(f"file:{path}") as camera:
        while (frame := camera.read()) is not None:
            frames.append(frame)
    return frames


def test_a_recording_keeps_depth_and_time_and_leaves_colour_out(latx_edge, recording, tmp_path):
    out = tmp_path / "new" / "copy.mcap"
    code, said, err = latx_edge("record", "--camera", f"file:{recording}", "--out", out)
    assert (code, err) == (0, "")
    assert "4 frames, depth only" in said
    for old, new in zip(frames_of(recording), frames_of(out), strict=True):
        np.testing.assert_allclose(new.depth_m, old.depth_m, atol=1e-4)
        assert new.colour is None
        assert old.colour is not None
        assert new.captured_at_ns == old.captured_at_ns
        np.testing.assert_allclose(new.gravity, old.gravity)


def test_colour_is_kept_when_asked_for_and_frames_are_counted(latx_edge, recording, tmp_path):
    out = tmp_path / "copy.mcap"
    code, said, _ = latx_edge("record", "--camera", f"file:{recording}", "--out", out, "--colour", "--frames", "2")
    assert code == 0
    assert "2 frames, colour and depth" in said
    assert [f.colour is not None for f in frames_of(out)] == [True, True]


def test_seconds_end_a_recording(latx_edge, recording, tmp_path):
    latx_edge("record", "--camera", f"file:{recording}", "--out", tmp_path / "c.mcap", "--seconds", "0.1")
    assert len(frames_of(tmp_path / "c.mcap")) == 3  # 15 frames/s: at 0, 67 and 133 ms


@pytest.mark.parametrize(("name", "code"), [("there.mcap", 6), ("notes.txt", 2)])
def test_an_existing_or_ill_named_file_is_left_alone(latx_edge, recording, tmp_path, name, code):
    (tmp_path / name).write_text("precious")
    found, _, err = latx_edge("record", "--camera", f"file:{recording}", "--out", tmp_path / name)
    assert found == code
    assert err.count("\n") == 1
    assert (tmp_path / name).read_text() == "precious"


def test_a_bad_source_leaves_no_recording(latx_edge, tmp_path):
    (tmp_path / "bad.mcap").write_bytes(b"junk" * 99)
    code, _, err = latx_edge("record", "--camera", f"file:{tmp_path / 'bad.mcap'}", "--out", tmp_path / "out.mcap")
    assert code == 3
    assert err.count("\n") == 1
    assert [p.name for p in tmp_path.iterdir()] == ["bad.mcap"]
