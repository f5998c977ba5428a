"""The scan's state machine at work: where it stands, since when, and who is told when it moves."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable

from edge.clock import Clock
from edge.daemon.states import EVENTS, INITIAL, STATES, next_state

OnMove = Callable[[str, str, str], None]


class Machine:
    """Moves by ``edge.daemon.states.STATES`` and no other way.

    Args:
        on_move: told the state left, the event, and the state entered, after each move to another state.
    """

    def __init__(self, clock: Clock, on_move: OnMove | None = None) -> None:
        self._clock, self._on_move = clock, on_move
        self._state = INITIAL
        self._since_s = clock.monotonic_s()
        self.entered: Counter[str] = Counter(dict.fromkeys(STATES, 0) | {INITIAL: 1})

    @property
    def state(self) -> str:
        """Where it stands, a key of ``STATES``."""
        return self._state

    @property
    def for_s(self) -> float:
        """Seconds since the state was entered."""
        return self._clock.monotonic_s() - self._since_s

    def takes(self, event: str) -> bool:
        """Whether the present state's row names ``event``."""
        EVENTS[event]
        return event in STATES[self._state].leads_to

    def fire(self, event: str) -> bool:
        """Let ``event`` happen. Returns whether the state is another one now."""
        old, new = self._state, next_state(self._state, event)
        if new == old:
            return False
        self._state, self._since_s = new, self._clock.monotonic_s()
        self.entered[new] += 1
        if self._on_move is not None:
            self._on_move(old, event, new)
        return True
