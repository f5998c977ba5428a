"""Every check of the doctor, as one table, and how they are run: one that breaks is a finding and stops no other."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final

from edge.doctor import camera_checks, model_checks, service_checks
from edge.doctor.examined import Examined
from edge.doctor.finding import Finding, error, from_error
from edge.errors import LatxError


@dataclass(frozen=True)
class Check:
    """One row: what is looked at, by what (None: there is nothing to look at), and whether only in full."""

    name: str
    run: Callable[[Examined], Finding | None]
    only_full: bool = False


CHECKS: Final = (
    Check("configuration", service_checks.configuration),
    Check("device", service_checks.device),
    Check("camera", camera_checks.camera),
    Check("USB speed", camera_checks.usb),
    Check("firmware", camera_checks.firmware),
    Check("mount", camera_checks.mount),
    Check("depth noise", camera_checks.repeatability),
    Check("model bundle", model_checks.bundle),
    Check("engines", model_checks.engines),
    Check("TensorRT", model_checks.tensorrt),
    Check("self-test", model_checks.self_test, only_full=True),
    Check("disk", service_checks.disk),
    Check("clock", service_checks.clock),
    Check("temperature", service_checks.temperature),
    Check("broker", service_checks.broker),
    Check("service", service_checks.service),
)


def check_up(kiosk: Examined) -> Iterator[tuple[str, Finding]]:
    """Name and finding of every check, as each of them ends."""
    for check in CHECKS:
        if check.only_full and not kiosk.full:
            continue
        try:
            finding = check.run(kiosk)
        except LatxError as failure:
            finding = from_error(failure)
        except Exception as failure:  # the doctor is for machines on which nothing is as it should be
            text = " ".join(f"{type(failure).__name__}: {failure}".split())
            finding = error(f"the check itself failed: {text}", "report this")
        if finding is not None:
            yield check.name, finding
