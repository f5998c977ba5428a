"""A whole kiosk in a box: the real service over a scripted camera, a manual clock, and recorders where it speaks."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from edge.camera import open_camera
from edge.camera.depth_camera import CameraInfo
from edge.camera.supervisor import COUNTERS, CameraState
from edge.clock import ManualClock
from edge.config.models import Config
from edge.daemon.service import Service
from edge.daemon.thermals import Reading
from edge.frame import Frame
from edge.runtime.template_runner import template_bundle
from edge.sinks.mqtt.commands import VERBS, Command, Reply
from edge.sinks.mqtt.link_status import LinkStatus


def torn(frame: Frame) -> Frame:
    """Without the band across the middle that lost packets take."""
    share = np.arange(frame.depth_m.shape[0])[:, None] / frame.depth_m.shape[0]
    return replace(frame, depth_m=np.where((share > 0.3) & (share < 0.7), 0, frame.depth_m))


SCENES: dict[str, Callable[[Frame], Frame]] = {
    "back": lambda frame: frame,
    "nobody": lambda frame: replace(frame, depth_m=np.full_like(frame.depth_m, 3.5)),
    "near": lambda frame: replace(frame, depth_m=frame.depth_m * 0.5),
    "beside": lambda frame: replace(frame, depth_m=np.roll(frame.depth_m, 110, axis=1)),
    "zeros": lambda frame: replace(frame, depth_m=np.zeros_like(frame.depth_m)),
    "torn": torn,
}


class StageCamera:
    """Plays what the test puts on stage: a scene of ``SCENES``, or "" for no frame. In place of a supervisor."""

    def __init__(self, frames: list[Frame], info: CameraInfo, clock: ManualClock) -> None:
        self._frames, self._clock = frames, clock
        self.info: CameraInfo | None = info
        self.scene, self.state = "nobody", CameraState("streaming")
        self.counters = dict.fromkeys(COUNTERS, 0)
        self.number, self.left_behind, self.closed = 0, 0, False
        self.failure: Exception | None = None

    def read(self, _timeout_s: float) -> Frame | None:
        if self.failure is not None:
            raise self.failure
        if not self.scene or self.state.kind == "lost":
            return None
        self.number += 1
        # the middle frame and its neighbour in turn: whatever jumps between passes is no movement of the subject
        frame = SCENES[self.scene](self._frames[6 + self.number % 2])
        return replace(frame, number=self.number, captured_at_ns=self._clock.now_ns(),
                       device_time_ms=self._clock.monotonic_s() * 1e3)

    def lose(self, reason: str = "gone") -> None:
        self.state = CameraState("lost", reason, "the camera is gone")

    def come_back(self, kind: Any = "streaming", reason: str = "") -> None:
        self.state = CameraState(kind, reason)

    def close(self) -> bool:
        self.closed = True
        return True


class RecordingNotifier:
    def __init__(self) -> None:
        self.sent: list[dict[str, str]] = []
        self.pings = 0

    def send(self, **fields: str) -> None:
        self.sent.append(fields)

    def alive(self) -> None:
        self.pings += 1


class RecordingLink:
    def __init__(self) -> None:
        self.states: list[Mapping[str, Any]] = []
        self.events: list[tuple[str, dict[str, Any]]] = []
        self.stats: list[Mapping[str, Any]] = []
        self.info: list[Mapping[str, Any]] = []
        self.previews: list[tuple[bytes, Mapping[str, float]]] = []
        self.stopped, self.status = False, LinkStatus(connected=True)

    def start(self) -> None: ...

    def stop(self, _deadline_s: float) -> bool:
        self.stopped = True
        return True

    def publish_info(self, info: Mapping[str, Any]) -> None:
        self.info.append(info)

    def publish_state(self, state: Mapping[str, Any]) -> None:
        self.states.append(state)

    def publish_stats(self, stats: Mapping[str, Any]) -> None:
        self.stats.append(stats)

    def publish_preview(self, picture: bytes, angles_deg: Mapping[str, float]) -> None:
        self.previews.append((picture, angles_deg))

    def publish_event(self, event: str, **data: Any) -> None:
        self.events.append((event, data))


class HandThermals:
    """Temperatures as the test sets them."""

    def __init__(self) -> None:
        self.celsius: float | None = 40.0
        self.events = 0

    def read(self) -> tuple[Reading, ...]:
        return () if self.celsius is None else (Reading("tj-thermal", self.celsius, 99.0),)

    def over_currents(self) -> int:
        return self.events


class Kiosk:
    """The service with everything that it touches at hand."""

    def __init__(self, config: Config, frames: list[Frame], info: CameraInfo, **more: Any) -> None:
        self.clock = ManualClock()
        self.camera = StageCamera(frames, info, self.clock)
        self.notifier, self.link, self.thermals = RecordingNotifier(), RecordingLink(), HandThermals()
        self.service = Service(config, camera=self.camera, notifier=self.notifier, thermals=self.thermals,
                               clock=self.clock,
                               **{"bundle": lambda _: template_bundle(), "link": self.link, **more})  # fmt: skip
        self.daemon = self.service.daemon
        self.daemon._read_s = 0.0
        self.daemon.warm_up()

    @property
    def state(self) -> str:
        return self.daemon.machine.state

    @property
    def status(self):
        return self.service.parts.board.status

    def turn(self, times: int = 1, every_s: float = 0.1) -> None:
        for _ in range(times):
            self.clock.advance(every_s)
            self.daemon.turn()

    def until(self, state: str, within_s: float = 10.0, every_s: float = 0.2) -> float:
        """Turn until in ``state``; returns the seconds that it took."""
        began = self.clock.monotonic_s()
        while self.state != state:
            assert self.clock.monotonic_s() - began < within_s, f"{self.state} instead of {state}"
            self.turn(every_s=every_s)
        return self.clock.monotonic_s() - began

    def ask(self, verb: str, **data: Any) -> Reply:
        """A command as the link's thread would hand it over, answered in the next turn."""
        command = Command(verb=verb, data=VERBS[verb].data(**data))
        replies: list[Reply] = []
        thread = threading.Thread(target=lambda: replies.append(self.service.parts.desk(command)))
        thread.start()
        while thread.is_alive():
            self.turn(every_s=0.01)
            thread.join(0.01)
        return replies[0]

    def metric(self, name: str, **labels: str) -> float | None:
        return self.service.parts.metrics.registry.get_sample_value(f"latx_edge_{name}", labels)

    @property
    def results(self) -> list[Path]:
        return [p for p in self.service._scans.iterdir() if not p.name.startswith(".")]


@pytest.fixture(scope="session")
def demo_frames() -> list[Frame]:
    with open_camera("demo") as camera:
        return list(iter(camera.read, None))


@pytest.fixture(scope="session")
def demo_info() -> CameraInfo:
    with open_camera("demo") as camera:
        return camera.info


@pytest.fixture
def kiosk(tmp_path: Path, demo_frames: list[Frame], demo_info: CameraInfo) -> Iterator[Callable[..., Kiosk]]:
    """Make a kiosk; keywords are sections of the configuration."""
    made: list[Kiosk] = []

    def make(more: Mapping[str, Any] | None = None, **sections: Any) -> Kiosk:
        defaults = {"storage": {"out": str(tmp_path / "scans")}, "health": {"enabled": False},
                    "outbox": {"min_free_mb": 0.0}}  # fmt: skip
        config = Config.model_validate(defaults | sections)
        made.append(Kiosk(config, demo_frames, demo_info, **(more or {})))
        return made[-1]

    yield make
    for one in made:
        one.service.close()
