"""Commands between the thread that hears them and the loop that carries them out, and when each of them is refused."""

from __future__ import annotations

import logging
import queue
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from concurrent.futures import TimeoutError as Unanswered
from dataclasses import dataclass
from typing import Final

from edge.daemon.machine import Machine
from edge.daemon.status import Status
from edge.health.metrics import Metrics
from edge.sinks.mqtt.commands import Command, Reply

_log = logging.getLogger(__name__)

WAITING: Final = 16
"""Commands that may wait for the loop; more are refused."""
ANSWER_WITHIN_S: Final = 5.0
"""How long a command waits for the loop before it is taken back: longer than the writing of a result takes."""

VERB_EVENTS: Final[dict[str, str]] = {"scan": "scan", "cancel": "cancel"}
"""Verbs that are events of the state machine; all others leave it alone."""

REFUSALS: Final[dict[str, dict[str, str]]] = {
    "scan": {
        "starting": "the device is still starting",
        "no_camera": "there is no camera",
        "scanning": "a scan runs already",
        "stopping": "the device is stopping",
    },
    "cancel": dict.fromkeys(
        ("starting", "no_camera", "idle", "degraded", "stopping"), "there is no scan to give up"
    ),
}
"""Why a state does not take a verb: a row for every state whose own row does not name the event."""


def refusal(verb: str, machine: Machine, status: Status) -> str | None:
    """Why ``verb`` cannot be carried out now, or None where it can."""
    event = VERB_EVENTS.get(verb)
    if event is None:
        return None
    if not machine.takes(event):
        return REFUSALS[verb][machine.state]
    blocking = next((held for held in status.conditions if held.row.blocking), None)
    return blocking.line() if verb == "scan" and blocking is not None else None


@dataclass(frozen=True)
class Waiting:
    """A command and where its reply goes."""

    command: Command
    reply: Future[Reply]


class CommandDesk:
    """Called by the link's thread with a command; emptied by the loop. Counts and logs what became of each.

    Args:
        at_once: verbs that are carried out on the caller's thread, because they may take longer than a frame.
    """

    def __init__(self, metrics: Metrics, at_once: dict[str, Callable[[Command], Reply]] | None = None) -> None:
        self._metrics, self._at_once = metrics, at_once or {}
        self._waiting: queue.Queue[Waiting] = queue.Queue(WAITING)

    def __call__(self, command: Command) -> Reply:
        """Hand a command over and wait for what the loop did with it."""
        reply = self._answered(command)
        self._metrics.count("commands_total", command.verb, reply.status)
        _log.info("command %s: %s", command.verb, reply.error or reply.status)
        return reply

    def take(self) -> Iterator[Waiting]:
        """Every command that waits and was not taken back."""
        while True:
            try:
                waiting = self._waiting.get_nowait()
            except queue.Empty:
                return
            if waiting.reply.set_running_or_notify_cancel():
                yield waiting

    def _answered(self, command: Command) -> Reply:
        if command.verb in self._at_once:
            return self._at_once[command.verb](command)
        waiting = Waiting(command, Future())
        try:
            self._waiting.put_nowait(waiting)
        except queue.Full:
            return Reply.refused("too many commands wait already")
        try:
            return waiting.reply.result(ANSWER_WITHIN_S)
        except Unanswered:
            taken_back = waiting.reply.cancel()
            return Reply.refused(f"the device is busy; the command {'was' if taken_back else 'may be'} "
                                 f"{'not carried out' if taken_back else 'carried out later'}")
