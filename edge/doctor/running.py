"""What the service that runs on this machine tells of itself: through the service manager, and on its own probe."""

from __future__ import annotations

import http.client
import json
import subprocess
from typing import Any, Final

from edge.config.models import Config
from edge.doctor.examined import Examined

UNIT: Final = "latx-edge.service"
SHOWN: Final = ("LoadState", "ActiveState", "SubState", "Result", "NRestarts")
SYSTEMCTL_S: Final = 5.0
PROBE_S: Final = 2.0


def service_state(kiosk: Examined) -> dict[str, str]:
    """What systemd tells of the unit, by ``SHOWN``; empty where there is no systemd."""
    if not (kiosk.root / "run/systemd/system").is_dir():
        return {}
    command = ["systemctl", "show", UNIT, f"--property={','.join(SHOWN)}"]
    try:
        told = subprocess.run(command, capture_output=True, text=True, timeout=SYSTEMCTL_S, check=True).stdout
    except (OSError, subprocess.SubprocessError):
        return {}
    return dict(line.split("=", 1) for line in told.splitlines() if "=" in line)


def readiness(config: Config) -> dict[str, Any]:
    """What the daemon says on ``/readyz``; empty where it serves no probes, or does not answer."""
    if not config.health.enabled:
        return {}
    line = http.client.HTTPConnection(config.health.host.strip("[]"), config.health.port, timeout=PROBE_S)
    try:
        line.request("GET", "/readyz")
        said = json.loads(line.getresponse().read())
    except (OSError, http.client.HTTPException, ValueError):
        return {}
    finally:
        line.close()
    return said if isinstance(said, dict) and isinstance(said.get("camera"), dict) else {}
