from __future__ import annotations

import json


def test_the_bench_prints_each_step_the_rate_and_the_ratio(latx_edge, recording, tiny_bundle):
    code, out, _ = latx_edge("bench", "--camera", f"file:{recording}", "--bundle", tiny_bundle, "--runs", "3")
    assert code == 0
    for word in ("see", "structure", "radiograph", "picture", "one frame alone", "a frame in a stream",
                 "two bare model runs", "frames/s", "times"):
        assert word in out


def test_the_bench_as_json_holds_the_same_figures(latx_edge, recording, tiny_bundle):
    code, out, _ = latx_edge(
        "bench", "--camera", f"file:{recording}", "--bundle", tiny_bundle, "--runs", "2", "--threads", "1", "--json"
    )
    figures = json.loads(out)
    assert code == 0
    assert figures["runs"] == 2
    assert figures["ratio"] >= 1.0
    assert figures["runtime"].startswith("onnxruntime")
