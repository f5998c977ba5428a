"""What the daemon does with a subject, one frame at a time: guide it, let it hold still, scan it, show the result."""

from __future__ import annotations

import logging
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from edge.anatomy import ANGLE_NAMES
from edge.config.models import Config
from edge.daemon.guidance import NONE, SteadyGuidance, guidance_for
from edge.daemon.machine import Machine
from edge.daemon.presence import Presence
from edge.daemon.scan_window import ScanWindow
from edge.daemon.states import WITH_SUBJECT
from edge.daemon.status import ShownAngle, ShownResult, Status
from edge.errors import BundleError, OutputError, RefusedError
from edge.frame import Frame
from edge.pipeline import Measurements
from edge.privacy.subject import is_opaque
from edge.report import make_report
from edge.result.build import RADIOGRAPH_FILE
from edge.sinks.mqtt.commands import Reply
from edge.view.back_view import BackView
from edge.view.gates import Refusal
from edge.view.see import see

if TYPE_CHECKING:
    from edge.daemon.loop import Parts
    from edge.sinks.sink import Report

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Request:
    """A scan that a command asked for, at a moment of the monotonic clock."""

    subject_ref: str | None
    at_s: float


class Attention:
    """Works for ``edge.daemon.loop.Daemon``. live: every frame is measured and shown. looked_at: frames so far."""

    def __init__(self, config: Config, parts: Parts, machine: Machine) -> None:
        self.config, self._parts, self._machine = config, parts, machine
        self.live = config.live.enabled
        self._presence = Presence(parts.clock)
        self._guidance = SteadyGuidance(parts.clock)
        self._previous: Frame | None = None
        self._window: ScanWindow | None = None
        self._request: Request | None = None
        self._result: ShownResult | None = None
        self._left_s = float("inf")  # when whoever the result is of went away
        self._problem = ""
        self.looked_at = 0
        self._dismissed = False  # whoever stands there was given up; no scan of them by itself

    def configure(self, config: Config) -> None:
        """New values; live mode follows only where its key changed."""
        if config.live.enabled != self.config.live.enabled:
            self.live = config.live.enabled
        self.config = config

    def request(self, subject_ref: str | None) -> Reply:
        """A command asks for a scan of whoever comes, or stands there."""
        if subject_ref is not None and not is_opaque(subject_ref, self.config.privacy.subject_ref_pattern):
            return Reply.refused("subject_ref does not match privacy.subject_ref_pattern")
        self._dismissed = False
        self._machine.fire("scan")
        self._request = Request(subject_ref, self._parts.clock.monotonic_s())
        return Reply.ok(state=self._machine.state)

    def look_at(self, frame: Frame) -> bool:
        """One frame: gates, model where a scan or live mode wants it, and the events that follow.

        Returns:
            whether it was worth looking at; between two frames of a scan it is only kept to compare the next with.
        """
        previous, self._previous = self._previous, frame
        window = self._window
        wanted = window is not None and window.wants
        if window is not None and not wanted and not self.live:
            return False
        self.looked_at += 1
        outcome = self._outcome(frame, previous, measure=wanted or self.live)
        if outcome is None:
            return True
        reason = outcome.reason if isinstance(outcome, Refusal) else None
        if self.live:
            self._show_live(outcome)
        if window is not None and wanted and not isinstance(outcome, BackView):
            window.add(outcome)
        if reason is not None:
            self._parts.metrics.count("refusals_total", reason)
        self._follow(reason)
        self._guidance.show(NONE if reason is None else guidance_for(reason))
        return True

    def keep_time(self) -> None:
        """What happens by the clock alone."""
        machine, settings = self._machine, self.config.scan
        if self._window is not None and self._window.complete:
            self._finish(self._window)
        waited_s = 0.0 if self._request is None else self._parts.clock.monotonic_s() - self._request.at_s
        if waited_s > settings.request_s:
            machine.fire("expired")
        if machine.state != "result" and self._parts.clock.monotonic_s() - self._left_s >= settings.shown_s:
            self._result, self._left_s = None, float("inf")
        repeat_s = settings.repeat_after_s
        if machine.state == "result" and repeat_s is not None and machine.for_s >= repeat_s:
            machine.fire("shown")

    def moved(self, old: str, event: str, new: str) -> None:
        """The state machine moved."""
        if new == "scanning":
            ref = self._request.subject_ref if self._request is not None else None
            self._window, self._problem = ScanWindow(self.config.scan, self._parts.clock, ref), ""
        else:
            self._window = None
        if old == "scanning" and event not in ("fused", "failed"):
            self._parts.metrics.count("scans_total", "given_up")
            self._parts.link.publish_event("scan_given_up", reason=event)
        if old == "result":
            self._left_s = self._parts.clock.monotonic_s()
        if new in WITH_SUBJECT and old not in WITH_SUBJECT:
            self._result = None
            self._guidance.clear()
        self._dismissed = self._dismissed or event == "cancel"
        if new not in WITH_SUBJECT:  # whoever comes next is somebody else: no reference may stick to them
            if self._request is not None and event == "expired":
                self._parts.link.publish_event("scan_given_up", reason=event)
            self._request, self._problem = None, ""
            self._presence.forget()
            self._guidance.clear()

    def forget_frames(self) -> None:
        """The camera was lost: the next frame has none before it."""
        self._previous = None
        self._parts.live.clear()

    def forget_result(self) -> None:
        """Show no result any more. Any thread may ask for it."""
        self._result = None
        self._parts.live.clear()

    def status(self, base: Status) -> Status:
        """``base`` with everything that is known here."""
        machine = self._machine
        progress = self._window.progress if self._window is not None else 0.0
        if machine.state == "holding" and self.config.scan.hold_s > 0:
            progress = min(1.0, machine.for_s / self.config.scan.hold_s)
        return replace(base, guidance=self._guidance.now, progress=round(progress, 2), live=self.live,
                       problem=self._problem, result=self._result)

    def _outcome(self, frame: Frame, previous: Frame | None, measure: bool) -> Measurements | BackView | Refusal | None:
        """What the pipeline, or the gates alone, say; None where the model failed."""
        metrics = self._parts.metrics
        if not measure:
            seen = see(frame, previous)
            metrics.count("frames_total", "refused" if isinstance(seen, Refusal) else "passed")
            return seen
        try:
            outcome = self._parts.model.process(frame, previous)
        except BundleError as error:
            _log.error("%s", error.line())
            metrics.count("model_failures_total")
            return None
        metrics.count("frames_total", "refused" if isinstance(outcome, Refusal) else "measured")
        if isinstance(outcome, Measurements):
            for step, ms in outcome.timing_ms.items():
                metrics.observe("step_duration_seconds", ms / 1e3, step)
        return outcome

    def _show_live(self, outcome: Measurements | BackView | Refusal) -> None:
        if isinstance(outcome, Measurements):
            self._parts.live.show(outcome)
        else:
            self._parts.live.clear()

    def _follow(self, reason: str | None) -> None:
        """The events that a frame stands for."""
        machine, settings = self._machine, self.config.scan
        event = self._presence.event(reason, machine.state in WITH_SUBJECT, settings.left_s)
        if event is None or (event == "empty" and self._request is not None and not self._presence.seen):
            return  # a commanded scan waits for its subject to come
        if self._dismissed:
            self._dismissed = event != "empty"
            return
        machine.fire(event)
        wanted = settings.auto or self._request is not None
        if event == "aligned" and machine.state == "holding" and wanted and machine.for_s >= settings.hold_s:
            machine.fire("held")

    def _finish(self, window: ScanWindow) -> None:
        """Fuse, write, show; or say why not."""
        parts, info = self._parts, self._parts.camera.info
        try:
            bundle = parts.model.bundle
            scan = window.fused(bundle, info.source if info is not None else "")
            report = make_report(scan, bundle, window.subject_ref)
            parts.store.accept(report)
        except (RefusedError, OutputError, BundleError) as error:
            stored = not isinstance(error, OutputError)
            if isinstance(error, BundleError):
                parts.metrics.count("model_failures_total")
            self._problem = error.what if stored else "The result could not be kept."
            _log.warning("%s", error.what)
            parts.metrics.count("scans_total", "refused" if stored else "not_stored")
            parts.link.publish_event("scan_failed", what=error.what, advice=error.mend)
            self._machine.fire("failed")
            return
        self._result = _shown(report, 1 + (self._result.sequence if self._result is not None else 0))
        parts.metrics.count("scans_total", "stored")
        quality = report.result.quality
        _log.info("scan stored: %d frames accepted, %d left out", quality.accepted_frames, quality.rejected_frames)
        parts.link.publish_event("scan_done")
        self._machine.fire("fused")


def _shown(report: Report, sequence: int) -> ShownResult:
    angles = {name: ShownAngle(a.value_deg, a.low_deg, a.high_deg) for name in ANGLE_NAMES
              for a in (report.result.angles[name],)}
    return ShownResult(angles, report.files[RADIOGRAPH_FILE], sequence)
