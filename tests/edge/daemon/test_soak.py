"""The daemon at full rate on the demonstration recording: 20 s by default, 30 minutes with --full."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

from edge.daemon.bench import looped
from edge.daemon.soak import SoakFigures

ROOT = Path(__file__).resolve().parents[3]


def bench(*argv: str) -> dict:
    done = subprocess.run(
        [sys.executable, "-m", "edge.cli", "bench", "--json", *argv], capture_output=True, text=True, check=False,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_nothing_grows(full: bool, capsys) -> None:
    figures = bench("--soak", "1800" if full else "20")
    if full:
        with capsys.disabled():
            print(f"\n{figures}")

    assert figures["frames"] > 0
    assert figures["growth"] < 0.01
    assert figures["threads_end"] <= figures["threads_start"]
    assert figures["descriptors_end"] <= figures["descriptors_start"]
    if full:  # on a machine of its own; a busy one measures its neighbours
        assert figures["scans"] > 0
        assert figures["p99_ms"] < 3 * figures["p50_ms"]


def test_the_daemons_own_cost_is_told_beside_the_pipelines() -> None:
    figures = bench("--daemon", "--runs", "2")

    steps = figures["steps"]
    assert set(steps) == {"one frame in the daemon", "of it the pipeline", "of it the daemon's own",
                          "the pipeline alone"}  # fmt: skip
    assert 0 < figures["share"] < 10
    assert figures["runs"] == 2


def test_growth_is_that_of_the_memory() -> None:
    figures = SoakFigures(20, 100, 5, 60, 90, 200.0, 203.0, 9, 9, 12, 12)

    assert abs(figures.growth - 0.015) < 1e-9


def test_any_recording_can_be_played_without_end() -> None:
    assert [looped(uri) for uri in ("demo", "file:a.mcap", "file:a.mcap#loop", "demo:loop")] == [
        "demo:loop,pace=none", "file:a.mcap#loop,pace=none", "file:a.mcap#loop", "demo:loop",
    ]  # fmt: skip
