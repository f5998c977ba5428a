"""Checks of the camera: there, fast enough, of sound firmware, upright, and how well it measures.

Where it does not open, one line says so, and what hangs on it is left out.
"""

from __future__ import annotations

from typing import Final

from edge.camera.depth_camera import DEGRADATIONS
from edge.doctor.examined import FRAMES, Examined
from edge.doctor.finding import Finding, error, from_error, ok, warning
from edge.doctor.running import readiness, service_state
from edge.doctor.wall import wall_noise
from edge.view.gates import GATES
from edge.view.gravity import mount_of

LOST: Final = ("gone", "stalled", "stale")
"""Reasons of the supervisor that say more than that it gave up."""
NOISE_SHARE: Final = 0.005
"""Noise of more than this share of the distance is warned of: 6 mm at 1.2 m, twice that of a sound D435i."""
FLICKER_SHARE: Final = 0.005


def camera(kiosk: Examined) -> Finding:
    """It opens and delivers frames that advance."""
    sight = kiosk.sight
    uri = kiosk.config.camera.uri
    if sight.failure is not None or not sight.frames:
        if service_state(kiosk).get("ActiveState") == "active":
            return _held_by_service(kiosk)
        if sight.failure is not None and sight.state.reason not in LOST:
            return from_error(sight.failure)
        what = sight.state.what or "no frame comes"
        return error(f"{uri.rstrip(':')}: {what}", sight.state.advice or "check the cable")
    info = sight.info
    assert info is not None  # frames came
    rate = f" at {sight.frames_per_s:.0f} frames/s" if info.live and sight.frames_per_s else ""
    what = f"{info.model or uri} {info.serial}, {info.intrinsics.width}x{info.intrinsics.height}{rate}"
    values = {"frames": len(sight.frames), "frames_per_s": sight.frames_per_s, "degraded": list(info.degraded)}
    dropped = sight.counters["stale_frames_total"] + sight.counters["blank_frames_total"]
    if dropped:
        return warning(f"{what}; {dropped} frames were repeats or blank", "check the cable, the lens, the light",
                       **values)
    named = [reason for reason in info.degraded if reason != "usb2"]  # that one has a line of its own
    if named:
        row = DEGRADATIONS[named[0]]
        return warning(f"{what}; {row.what}", row.advice, **values)
    if info.live and len(sight.frames) < FRAMES:
        return warning(f"{what}; only {len(sight.frames)} frames came", "check the USB cable", **values)
    return ok(what, **values)


def _held_by_service(kiosk: Examined) -> Finding:
    """A camera has one user. While that is the service, its word counts."""
    told = readiness(kiosk.config).get("camera", {})
    state, reason = told.get("state", ""), told.get("reason", "")
    closer = "to look closer: systemctl stop latx-edge, and run this again"
    if state == "streaming":
        return ok(f"the running service streams from it; {closer}", state=state)
    if reason in DEGRADATIONS:
        row = DEGRADATIONS[reason]
        return warning(f"the running service streams from it, but {row.what}", f"{row.advice} Then {closer}",
                       state=state, reason=reason)
    how = f"has lost it ({reason or state})" if state else "does not say how it is"
    return warning(f"the running service holds the camera and {how}", closer, state=state, reason=reason)


def usb(kiosk: Examined) -> Finding | None:
    """USB 3 speed, without which there is neither the resolution nor the rate."""
    info = kiosk.sight.info
    if info is None:
        return None
    if not info.live or not info.usb:
        return ok("no camera on USB: a recording is played")
    if "usb2" in info.degraded:
        return warning(f"USB {info.usb}: {DEGRADATIONS['usb2'].what}", DEGRADATIONS["usb2"].advice, usb=info.usb)
    return ok(f"USB {info.usb}", usb=info.usb)


def firmware(kiosk: Examined) -> Finding | None:
    """Not older than librealsense recommends."""
    info = kiosk.sight.info
    if info is None:
        return None
    if not info.firmware:
        return ok("the source tells no firmware")
    told, wanted = info.firmware, info.firmware_recommended
    if _numbers(told) < _numbers(wanted):
        return warning(f"firmware {told} is older than the recommended {wanted}",
                       "update it with rs-fw-update of librealsense", firmware=told, recommended=wanted)
    return ok(f"firmware {told}", firmware=told, recommended=wanted)


def mount(kiosk: Examined) -> Finding | None:
    """The camera hangs as the gates of every frame want it."""
    if not kiosk.sight.frames:
        return None
    found = mount_of(kiosk.sight.frames[-1].gravity)
    if found is None:
        return error("the camera looks straight up or down", "hang it level, 1.2 m from the mark")
    what = f"pitch {found.pitch_deg:+.1f} deg, roll {found.roll_deg:+.1f} deg"
    values = {"pitch_deg": round(found.pitch_deg, 2), "roll_deg": round(found.roll_deg, 2)}
    measured = {"camera_pitch_deg": found.pitch_deg, "camera_roll_deg": found.roll_deg}
    for gate in GATES:
        if gate.quantity in measured and not gate.passes(measured[gate.quantity]):
            return error(f"{what}: {gate.quantity} must be {gate.expected()}", "hang the camera upright and level",
                         **values)
    return ok(what, **values)


def repeatability(kiosk: Examined) -> Finding | None:
    """Noise of the depth on a flat wall: root mean square about a fitted plane, and of one pixel over time."""
    frames = kiosk.sight.frames
    if not frames:
        return None
    found = wall_noise(frames)
    if found is None:
        return warning("depth noise unknown: nothing in the middle of the view", "let the camera look at a wall")
    if not found.is_wall:
        what = f"no flat wall in view ({found.rms_mm:.0f} mm from flat), so depth noise is not measured"
        return ok(f"{what}: let the camera look at a wall 1.2 m away and run this again")
    measured = f"{found.rms_mm:.1f} mm rms from flat, {found.over_time_mm:.1f} mm over time"
    what = f"wall at {found.distance_m:.2f} m: {measured}"
    values = {"rms_mm": round(found.rms_mm, 3), "over_time_mm": round(found.over_time_mm, 3),
              "distance_m": round(found.distance_m, 3), "tilt_deg": round(found.tilt_deg, 2),
              "valid": round(found.valid, 3)}  # fmt: skip
    limit_mm = NOISE_SHARE * found.distance_m * 1e3
    flicker_mm = FLICKER_SHARE * found.distance_m * 1e3
    if found.rms_mm > limit_mm or found.over_time_mm > flicker_mm:
        return warning(f"{what}; at most {limit_mm:.1f} mm is normal",
                       "clean the lens, keep sunlight off, check preset and projector in [camera]", **values)
    return ok(what, **values)


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in version.split(".") if part.isdecimal())
