"""The product's errors and exit codes: what, where, expected against found, and how to mend it.

A command turns any ``LatxError`` into one line on stderr and the exit code of its class. Anything else that
reaches the user as a traceback is a bug.
"""

from __future__ import annotations


class LatxError(Exception):
    """Base of all foreseen failures. ``exit_code`` is documented by ``EXIT_CODES``."""

    exit_code = 1

    def __init__(self, what: str, *, where: str = "", expected: str = "", found: str = "", mend: str = "") -> None:
        self.what, self.where, self.expected, self.found, self.mend = what, where, expected, found, mend
        super().__init__(self.line())

    def line(self) -> str:
        """The one line that a user sees."""
        parts = [f"{self.where}: {self.what}" if self.where else self.what]
        if self.expected or self.found:
            parts.append(f"expected {self.expected or 'something else'}, found {self.found or 'nothing'}")
        if self.mend:
            parts.append(self.mend)
        return "; ".join(parts).replace("\n", " ")


class UsageError(LatxError):
    """The command line or the configuration is wrong."""

    exit_code = 2


class RecordingError(LatxError):
    """A recording or camera source cannot be read: empty, truncated, foreign, without depth."""

    exit_code = 3


class BundleError(LatxError):
    """A model bundle is incomplete, altered or does not fit this program."""

    exit_code = 4


class RefusedError(LatxError):
    """No frame passed the gates: there is no result, and none is made up."""

    exit_code = 5


class OutputError(LatxError):
    """A result cannot be written."""

    exit_code = 6


class MissingDependencyError(LatxError):
    """A part that this command needs is not installed."""

    exit_code = 7


class ServiceError(LatxError):
    """A part outside this process (camera on USB, broker, GPU) failed for good; the service manager should try anew."""

    exit_code = 75


EXIT_CODES: dict[int, str] = {
    0: "success",
    1: "an unforeseen failure",
    2: "wrong usage or configuration",
    3: "the recording or camera cannot be read",
    4: "the model bundle is missing, altered or does not fit",
    5: "no frame passed the gates (the reason is named)",
    6: "the result cannot be written",
    7: "an optional part that this command needs is not installed",
    8: "the doctor found something that must be mended",
    75: "a camera, broker or GPU failed for good; starting anew may help (sysexits.h EX_TEMPFAIL)",
    130: "interrupted by the user",
}
