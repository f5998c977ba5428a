"""From a camera URI to a camera: the one place where the kind of source is chosen.

Three tables: URI schemes, the kinds of recording by suffix, and how a recording may be looped. Readers are imported
when they are needed.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from functools import partial
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING, Final

from edge.camera.depth_camera import DepthCamera
from edge.clock import SYSTEM_CLOCK, Clock
from edge.errors import RecordingError, UsageError

if TYPE_CHECKING:
    from edge.camera.settings import CameraSettings
    from edge.camera.supervisor import CameraSupervisor

DEMO: Final = ("demo", "recording.mcap")
"""The shipped recording, inside the package ``edge``."""
LOOPS: Final = {"loop": True, "loop,pace=none": False}
"""Ways to play a recording without end, and whether at its own rate."""


def open_camera(uri: str, settings: CameraSettings | None = None, clock: Clock = SYSTEM_CLOCK) -> DepthCamera:
    """Open the camera or recording that a URI names.

    Args:
        uri: ``realsense:`` or ``realsense:SERIAL`` for a camera on USB, ``file:PATH`` (.mcap, .bag or .db3), or
            ``demo`` for the shipped recording. ``file:PATH#loop`` and ``demo:loop`` play it without end at its own
            rate; with ``,pace=none`` behind that as fast as it is read.
        settings: of the configuration, for what comes through librealsense; None takes the defaults for a camera, and
            leaves a recording as it is.
        clock: what a looped recording is paced by.

    Raises:
        UsageError: no such scheme.
        RecordingError: the camera is not there, or the recording is missing, damaged or of another kind.
        MissingDependencyError: its reader is not installed.
    """
    scheme, rest = _scheme_of(uri)
    return SCHEMES[scheme](rest, settings, clock)


def supervise(settings: CameraSettings, clock: Clock = SYSTEM_CLOCK) -> CameraSupervisor:
    """The configured camera as one that comes back by itself; a RealSense is also reset where that may help.

    Faults that the configuration wants rehearsed are played on it.

    Raises:
        UsageError: the URI has no known scheme.
    """
    from edge.camera.fault_injector import FaultInjector
    from edge.camera.realsense_live import reset_hardware
    from edge.camera.rehearsal import parse_timetable
    from edge.camera.supervisor import CameraSupervisor

    scheme, serial = _scheme_of(settings.uri)
    reset = partial(reset_hardware, serial or settings.serial, clock=clock) if scheme == "realsense" else None
    opener: Callable[[], DepthCamera] = partial(open_camera, settings.uri, settings, clock)
    if settings.rehearse:
        opener = FaultInjector(opener, parse_timetable(settings.rehearse), clock).open
    return CameraSupervisor(opener, settings, clock, reset)


def _scheme_of(uri: str) -> tuple[str, str]:
    """Known scheme and what follows it."""
    scheme, _, rest = uri.partition(":")
    if scheme not in SCHEMES:
        raise UsageError(
            "unknown camera", where=uri, expected=" or ".join(SCHEME_FORMS.values()), found=repr(scheme),
            mend="give --camera one of these",
        )  # fmt: skip
    return scheme, rest


def _open_live(serial: str, settings: CameraSettings | None, clock: Clock) -> DepthCamera:
    from edge.camera.realsense import RealSenseCamera
    from edge.camera.realsense_live import LiveFeed
    from edge.camera.settings import CameraSettings

    settings = settings or CameraSettings()
    return RealSenseCamera(LiveFeed(settings, serial, clock=clock), settings)


def _open_file(text: str, settings: CameraSettings | None, clock: Clock) -> DepthCamera:
    name, mark, way = text.rpartition("#")
    if mark and way in LOOPS:
        return _loop(lambda: _open_path(name, settings), way, clock)
    return _open_path(text, settings)


def _open_path(text: str, settings: CameraSettings | None) -> DepthCamera:
    if not text:
        raise UsageError("no file given", where="file:", expected="file:PATH", found="no path",
                         mend="name a recording after the colon")
    path = Path(os.path.expanduser(text))  # leaves an unknown user's ~ as it is, where Path.expanduser raises
    opener = SUFFIXES.get(path.suffix.lower())
    if opener is None:
        raise RecordingError(
            "not a recording", where=str(path), expected=" or ".join(SUFFIXES), found=path.suffix or "no suffix",
            mend="give a recording",
        )  # fmt: skip
    return opener(path, settings)


def _open_demo(text: str, settings: CameraSettings | None, clock: Clock) -> DepthCamera:  # noqa: ARG001
    if text in LOOPS:
        return _loop(_open_packaged, text, clock)
    if text:
        raise UsageError("the demo takes no path", where=f"demo:{text}",
                         expected=" or ".join(["demo", *(f"demo:{way}" for way in LOOPS)]), found=f"demo:{text}",
                         mend="give --camera demo")
    return _open_packaged()


def _open_packaged() -> DepthCamera:
    packaged = resources.files("edge") / DEMO[0] / DEMO[1]
    if not packaged.is_file():
        raise RecordingError(
            "the shipped recording is missing", where=str(packaged), expected="a complete installation",
            found="no such file", mend="install the package again",
        )  # fmt: skip
    return _open_mcap(Path(str(packaged)), None)


def _loop(opener: Callable[[], DepthCamera], way: str, clock: Clock) -> DepthCamera:
    from edge.camera.loop import LoopCamera

    return LoopCamera(opener, paced=LOOPS[way], clock=clock)


def _open_mcap(path: Path, settings: CameraSettings | None) -> DepthCamera:  # noqa: ARG001 - it was recorded filtered
    from edge.camera.mcap_replay import McapReplay

    return McapReplay(path)


def _open_realsense(path: Path, settings: CameraSettings | None) -> DepthCamera:
    from edge.camera.realsense_file import RealSenseFile

    return RealSenseFile(path, settings)


SCHEMES: Final[dict[str, Callable[[str, CameraSettings | None, Clock], DepthCamera]]] = {
    "realsense": _open_live,
    "file": _open_file,
    "demo": _open_demo,
}
SCHEME_FORMS: Final = {"realsense": "realsense:[SERIAL]", "file": "file:PATH[#loop]", "demo": "demo[:loop]"}
SUFFIXES: Final[dict[str, Callable[[Path, CameraSettings | None], DepthCamera]]] = {
    ".mcap": _open_mcap,
    ".bag": _open_realsense,
    ".db3": _open_realsense,
}
