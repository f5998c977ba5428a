from __future__ import annotations

import numpy as np

from edge.camera.device_clock import DeviceClock

EPOCH_NS = 1_760_000_000_000_000_000


def test_jitter_of_the_arrival_is_taken_out() -> None:
    rng = np.random.default_rng(0)
    clock, true_ns, mapped = DeviceClock(), [], []
    for i in range(600):
        true = EPOCH_NS + i * 33_333_333
        delay = 4_000_000 + int(rng.exponential(8_000_000))
        mapped.append(clock.host_ns(500.0 + i * 33.333333, true + delay))
        true_ns.append(true)
    errors_ms = (np.array(mapped) - np.array(true_ns))[50:] / 1e6
    assert (np.diff(mapped) > 0).all()
    assert np.ptp(errors_ms) < 1.0
    assert abs(errors_ms.mean() - 4.0) < 1.0  # the shortest delay stays in it


def test_a_device_clock_that_runs_fast_is_followed() -> None:
    clock = DeviceClock()
    mapped = [clock.host_ns(i * 33.333333 * (1 + 50e-6), EPOCH_NS + i * 33_333_333) for i in range(10_000)]
    assert abs(mapped[-1] - (EPOCH_NS + 9_999 * 33_333_333)) < 2_000_000


def test_a_host_clock_that_is_set_right_and_a_device_clock_that_starts_anew_are_followed_at_once() -> None:
    clock = DeviceClock()
    for i in range(10):
        clock.host_ns(i * 33.0, EPOCH_NS + i * 33_000_000)
    later = EPOCH_NS + 3_600_000_000_000
    assert clock.host_ns(10 * 33.0, later) == later
    assert clock.host_ns(5.0, later + 33_000_000) == later + 33_000_000
