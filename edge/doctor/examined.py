"""The kiosk as the checks see it: its configuration, its file system, its camera opened once for all of them."""

from __future__ import annotations

import stat
import time
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Final

from edge.camera.depth_camera import CameraInfo
from edge.camera.supervisor import CameraState
from edge.config.models import Config
from edge.errors import LatxError
from edge.frame import Frame
from edge.sinks.places import scans_folder

FRAMES: Final = 15
"""Frames that are looked at: half a second to two seconds."""
LOOK_S: Final = 15.0
"""Longest time that the camera is given for them."""
CONFIG: Final = Path("etc/latx-edge/config.toml")
STATE: Final = Path("var/lib/latx-edge")
"""Where the installed service has its configuration and its state, below the root of the file system."""


@dataclass(frozen=True)
class CameraSight:
    """What the camera delivered. failure: why it could not be opened; frames_per_s: None for fewer than two frames."""

    info: CameraInfo | None
    frames: tuple[Frame, ...]
    state: CameraState
    counters: dict[str, int]
    failure: LatxError | None
    frames_per_s: float | None


@dataclass(frozen=True)
class Examined:
    """config: what holds. path: the file it is from, None: the defaults. root: file system to look into."""

    config: Config = field(default_factory=Config)
    path: Path | None = None
    full: bool = False
    root: Path = Path("/")

    @property
    def bundle(self) -> Path:
        """Folder of the model bundle that the configuration names."""
        from edge.runtime.bundle import DEFAULT_BUNDLE

        return self.config.model.bundle or DEFAULT_BUNDLE

    @property
    def scans(self) -> Path:
        """Where its results lie: the installed service's in its state directory, wherever the doctor is called."""
        installed = self.path is not None and self.path.absolute() == (self.root / CONFIG).absolute()
        state = {"STATE_DIRECTORY": str(self.root / STATE)}
        return scans_folder(self.config.storage.out, state) if installed else scans_folder(self.config.storage.out)

    @cached_property
    def sight(self) -> CameraSight:
        """The camera, looked through once. Never hangs, whatever the camera does."""
        from edge.camera import supervise

        settings = self.config.camera.model_copy(update={"give_up_after": 2, "reset_after": 0})
        frames: list[Frame] = []
        failure: LatxError | None = None
        supervisor = None
        until = time.monotonic() + LOOK_S
        started = ended = time.monotonic()
        try:
            supervisor = supervise(settings)
            while len(frames) < FRAMES and time.monotonic() < until and supervisor.state.reason != "ended":
                frame = supervisor.read(0.25)
                if frame is not None:
                    ended = time.monotonic()
                    started = started if frames else ended
                    frames.append(frame)
        except LatxError as error:
            failure = error
        state = supervisor.state if supervisor else CameraState("lost")
        counters = dict(supervisor.counters) if supervisor else {}
        info = supervisor.info if supervisor else None
        if supervisor is not None:
            supervisor.close()
        rate = (len(frames) - 1) / (ended - started) if len(frames) > 1 and ended > started else None
        return CameraSight(info, tuple(frames), state, counters, failure, rate)


def installed_config(root: Path = Path("/")) -> Path | None:
    """The service's configuration, where it is installed: also one that only root may read, who is then asked for."""
    path = root / CONFIG
    try:
        return path if stat.S_ISREG(path.stat().st_mode) else None
    except PermissionError:
        return path
    except OSError:
        return None
