"""Every camera fault, twice by default and 30 times with --full, through the real supervisor: the machine leaves its
state and comes back by itself within 5 s of the fault's end, and no bad frame gives an angle.
"""

from __future__ import annotations

import time

import numpy as np
import pytest

from edge.camera import open_camera
from edge.camera.fault_injector import FaultInjector
from edge.camera.settings import CameraSettings
from edge.camera.supervisor import CameraSupervisor

BACK_WITHIN_S = 5.0
LEFT: dict[str, tuple[str, str]] = {
    "unplug": ("no_camera", "failures_total"),
    "stale": ("no_camera", "stale_frames_total"),
    "usb2": ("degraded", "reconnects_total"),
    "hang_on_stop": ("no_camera", "failures_total"),
    "hang_on_read": ("no_camera", "stalls_total"),
    "nan": ("degraded", "blank_frames_total"),
    "zeros": ("degraded", "blank_frames_total"),
}
"""Where each fault leads, and what counts it."""
AT_WORK = ("idle", "positioning", "holding", "scanning", "result")


@pytest.mark.parametrize("fault", LEFT)
def test_the_machine_leaves_and_comes_back_by_itself(kiosk, full: bool, fault: str, capsys) -> None:
    k = kiosk(scan={"auto": False}, live={"enabled": True})
    clock = k.clock
    injector = FaultInjector(lambda: open_camera("demo:loop,pace=none", clock=clock), clock=clock)
    settings = CameraSettings(uri="demo:loop", give_up_after=0)
    camera = CameraSupervisor(injector.open, settings, clock)
    object.__setattr__(k.service.parts, "camera", camera)
    k.service.parts.metrics.follow(camera.counters, "camera_")
    bad: list[int] = []
    process = k.service.parts.model.process

    def watched(frame, previous):
        if not np.isfinite(frame.depth_m).all() or not frame.depth_m.any():
            bad.append(frame.number)
        return process(frame, previous)

    k.service.parts.model.process = watched

    def turn_until(holds, within_s: float) -> float:
        """Turn by the manual clock; a moment of real time in between lets the camera's thread work."""
        began = clock.monotonic_s()
        while not holds():
            assert clock.monotonic_s() - began < within_s, (fault, k.state, camera.state, camera.counters)
            k.turn(every_s=0.1)
            give_the_camera_time(camera, well=not injector.active)
        return clock.monotonic_s() - began

    turn_until(lambda: k.state in AT_WORK and k.daemon.attention.looked_at > 0, 60.0)
    (leads_to, counter), attention, entered = LEFT[fault], k.daemon.attention, k.daemon.machine.entered
    slowest_s = 0.0
    for _ in range(30 if full else 2):
        counted, left = camera.counters[counter], entered[leads_to]
        injector.inject(fault)
        turn_until(lambda left=left: entered[leads_to] > left, 30.0)
        injector.clear()
        seen = attention.looked_at
        back_s = turn_until(
            lambda seen=seen: k.state in AT_WORK and attention.looked_at > seen and not k.status.conditions,
            BACK_WITHIN_S,
        )
        slowest_s = max(slowest_s, back_s)
        assert camera.counters[counter] > counted
        turn_until(lambda seen=attention.looked_at: attention.looked_at >= seen + 2, 10.0)
    assert not bad
    assert k.metric(f"camera_{counter}") == camera.counters[counter]
    assert camera.close()
    if full:
        with capsys.disabled():
            print(f"\n{fault}: 30 times, slowest return {slowest_s:.1f} s, {camera.counters}")


def give_the_camera_time(camera: CameraSupervisor, well: bool) -> None:
    """Real time for the camera's thread, which knows no manual clock: up to 0.2 s while it is well and busy."""
    until = time.monotonic() + (0.2 if well else 0.002)
    while time.monotonic() < until and busy(camera):
        time.sleep(0.002)


def busy(camera: CameraSupervisor) -> bool:
    """Whether a thread of the camera is at work: opening, fetching a frame, or closing."""
    session, closing = camera._session, camera._closing
    if session is not None:
        return session._slot is None and session.failure is None
    return closing is not None and not closing.closed


@pytest.mark.parametrize("scene", ["zeros", "near", "nobody"])
def test_a_frame_that_fails_a_gate_gives_no_angle(kiosk, scene: str) -> None:
    k = kiosk(live={"enabled": True}, scan={"auto": False})
    k.camera.scene = scene
    k.turn(10)

    assert k.service.parts.live.newest() is None
    assert k.metric("frames_total", outcome="measured") == 0
    assert k.results == []
