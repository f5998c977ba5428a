"""What the tests of the runners and of the bundle share."""

from __future__ import annotations

import json

import numpy as np
import pytest


@pytest.fixture
def edit_manifest(tiny_bundle):
    """Apply a change to the manifest's values."""

    def edit(change):
        path = tiny_bundle / "manifest.json"
        values = json.loads(path.read_text())
        change(values)
        path.write_text(json.dumps(values))
        return tiny_bundle

    return edit


@pytest.fixture
def stage_inputs():
    """Random inputs of a stage by name."""

    def make(runner):
        rng = np.random.default_rng(0)
        return {s.name: rng.uniform(0, 1, s.shape).astype(np.float32) for s in runner.inputs}

    return make
