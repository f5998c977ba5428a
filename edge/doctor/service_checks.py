"""Checks of what is around the program: configuration, disk, clock, temperature, broker and service manager."""

from __future__ import annotations

import secrets
import shutil
import threading
from typing import Final

from edge.daemon.cooling import FALLBACK_C
from edge.daemon.thermals import Reading, SysfsThermals
from edge.doctor.examined import Examined
from edge.doctor.finding import Finding, error, from_error, ok, warning
from edge.doctor.running import UNIT, service_state
from edge.errors import LatxError
from edge.result.identity import NAMELESS, clock_synced, device_id
from edge.sinks.mqtt.topics import Topics

SCAN_MB: Final = 0.4
"""What one scan takes on disk, 10^6 bytes."""


def configuration(kiosk: Examined) -> Finding:
    """Which one holds; a wrong one does not get as far as here."""
    if kiosk.path is None:
        return ok("no file given: the defaults hold")
    return ok(f"{kiosk.path} is good")


def device(kiosk: Examined) -> Finding:
    """Its identifier, which a broker wants as common name in its certificate; two kiosks must not share one."""
    name = device_id(kiosk.root / "etc/machine-id")
    try:
        Topics("spine", name)
    except LatxError as failure:
        return from_error(failure)
    if name == NAMELESS:
        return warning("this machine has no identity: its results and topics are called `unknown`",
                       "systemd-machine-id-setup, or set LATX_DEVICE_ID for the service", device_id=name)
    return ok(f"device id {name}: in its results and topics, and the CN of its certificate", device_id=name)


def disk(kiosk: Examined) -> Finding:
    """Room for scans, with the reserve that the outbox keeps."""
    out, keep_mb = kiosk.scans, kiosk.config.outbox.min_free_mb
    folder = next(path for path in (out.absolute(), *out.absolute().parents) if path.exists())
    free_mb = shutil.disk_usage(folder).free / 1e6
    values = {"free_mb": round(free_mb), "folder": str(out)}
    what = f"{free_mb / 1e3:.1f} GB free for {out}"
    if free_mb < keep_mb:
        return error(f"{what}: scanning is refused below {keep_mb / 1e3:g} GB", "free space, or move [storage] out",
                     **values)
    scans = int((free_mb - keep_mb) / SCAN_MB)
    if scans < 1000:
        return warning(f"{what}: about {scans} scans more", "shorten the retention, or free space", **values)
    return ok(f"{what}: room for about {scans} scans", **values)


def clock(kiosk: Examined) -> Finding:
    """Results carry a time; whether it can be trusted depends on this."""
    if clock_synced(kiosk.root / "run/systemd/timesync/synchronized"):
        return ok("the clock is synchronised")
    return warning("the clock is not synchronised; results say so", "connect to a network with NTP: timedatectl status")


def temperature(kiosk: Examined) -> Finding:
    """Cool enough, and never short of power since it was switched on."""
    settings = kiosk.config.thermal
    thermals = SysfsThermals(settings.zones, kiosk.root / "sys")
    readings, starved = thermals.read(), thermals.over_currents()
    if not readings:
        return ok("this machine tells no temperature")
    hottest = max(readings, key=lambda reading: reading.celsius - _throttles_c(reading))
    limit_c = _throttles_c(hottest)
    what = f"{hottest.zone} {hottest.celsius:.0f} degrees C, throttles at {limit_c:.0f}"
    values = {"zones_c": {reading.zone: round(reading.celsius, 1) for reading in readings}, "over_currents": starved}
    if hottest.celsius >= limit_c:
        return error(f"{what}: it throttles", "let it cool; check fan and air holes", **values)
    if starved:
        return warning(f"{what}; {starved} times short of power", "use the power supply that came with the board",
                       **values)
    if hottest.celsius >= limit_c - settings.margin_c:
        return warning(f"{what}: the rate is lowered", "check fan and air holes", **values)
    return ok(what, **values)


def broker(kiosk: Examined) -> Finding:
    """The broker takes this device's connection: address, TLS, password."""
    settings = kiosk.config.mqtt
    if settings is None:
        return ok("no broker configured: results stay on this machine")
    from edge.sinks.mqtt.paho_publisher import PahoPublisher
    from edge.sinks.mqtt.publisher import Disconnected

    where = f"{settings.host}:{settings.effective_port}"
    publisher = PahoPublisher(settings, f"latx-edge-doctor-{secrets.token_hex(4)}")
    greeting = _Greeting()
    trouble: list[Exception] = []

    def serve() -> None:
        try:
            publisher.serve(greeting, (), None)
        except (Disconnected, LatxError, OSError) as failure:
            trouble.append(failure)
        greeting.settled.set()

    thread = threading.Thread(target=serve, name="doctor-broker", daemon=True)
    thread.start()
    settled = greeting.settled.wait(2 * settings.connect_timeout_s + 1)
    publisher.close(1.0)
    thread.join(2.0)
    if greeting.welcome:
        return ok(f"{where} takes the connection{' over TLS' if settings.tls else ''}")
    if trouble and isinstance(trouble[0], LatxError):
        return from_error(trouble[0])
    why = str(trouble[0]) if trouble else "no answer" if not settled else "the connection was closed"
    return error(f"{where}: {why}", "check [mqtt]: host, port, certificates, password; and the broker's own log")


def service(kiosk: Examined) -> Finding:
    """The unit runs, and does not start over and over."""
    state = service_state(kiosk)
    if not state:
        return ok("no service manager here")
    if state.get("LoadState") != "loaded":
        return ok("the service is not installed here (systemd/install.sh does it)")
    restarts = int(state.get("NRestarts") or 0)
    what = f"{UNIT} is {state.get('ActiveState')} ({state.get('SubState')}), {restarts} restarts"
    values = {**state, "NRestarts": restarts}
    if state.get("ActiveState") == "failed":
        return error(f"{what}: {state.get('Result')}", f"journalctl -u {UNIT} tells why", **values)
    if restarts:
        return warning(what, f"journalctl -u {UNIT} tells why", **values)
    return ok(what, **values)


class _Greeting:
    """Listens for the broker's welcome and nothing else."""

    def __init__(self) -> None:
        self.settled, self.welcome = threading.Event(), False

    def connected(self, granted: object) -> None:  # noqa: ARG002 - a Listener's
        self.welcome = True
        self.settled.set()

    def received(self, message: object) -> None:
        """Nothing is subscribed to."""

    def acknowledged(self, token: int, code: int) -> None:
        """Nothing is published."""


def _throttles_c(reading: Reading) -> float:
    return FALLBACK_C if reading.passive_c is None else reading.passive_c
