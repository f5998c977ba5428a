from __future__ import annotations

import numpy as np
import pytest

from edge.errors import BundleError
from edge.measure.angles import sagittal_angles
from edge.runtime.template_runner import FAILURES, TemplateRunner, mean_endplates_mm
from edge.view.grid import LATERAL_VIEW


def test_the_mean_spine_has_the_angles_of_the_cited_controls():
    angles = sagittal_angles(mean_endplates_mm())
    assert angles["thoracic_kyphosis_t1_t12"] == pytest.approx(43.4)
    assert angles["thoracic_kyphosis_t4_t12"] == pytest.approx(37.7)
    assert angles["lumbar_lordosis_l1_s1"] == pytest.approx(57.0)
    assert angles["lumbar_lordosis_l1_l5"] == pytest.approx(46.0)
    assert angles["sacral_slope"] == pytest.approx(39.1)


def test_the_spine_follows_the_skin_that_the_lift_shows(stage_inputs):
    runner = TemplateRunner("structure")
    inputs = stage_inputs(runner)
    found = []
    for column in (90, 100):
        lift = np.zeros((1, 4, 256, 128), np.float32)
        lift[0, 0, 40:200, column] = 1.0
        found.append(runner.run(inputs | {"lateral_lift": lift})["endplates_mm"][..., 0].mean())
    assert found[1] - found[0] == pytest.approx(-10 * LATERAL_VIEW.mm_per_px, abs=1e-3)  # columns run backwards


@pytest.mark.parametrize("fail", FAILURES)
def test_it_fails_when_told_to_and_not_before(fail, stage_inputs):
    runner = TemplateRunner("structure", fail=fail, fail_after=1)
    inputs = stage_inputs(runner)
    runner.run(inputs)
    with pytest.raises(BundleError):
        runner.run(inputs)


def test_an_unknown_failure_is_refused():
    with pytest.raises(ValueError, match="one of error, not_finite, other_shape"):
        TemplateRunner("structure", fail="explode")
