"""Pings: when they go out, and which answer belongs to which.

They go in bursts of eight, some 2.5 ms apart.

An adapter that holds the first answer for 16 ms sends the last ones together with it, a few ms
after they came in, and one quick answer in a minute is all that the clock fit needs.
"""

import random
from collections.abc import Callable
from dataclasses import dataclass

from .protocol import Ping, Pong

PING_BURST = 8                      # pings
PING_STEP_S = (0.0015, 0.0035)      # from ping to ping in a burst
PING_EVERY_S = (0.8, 1.2)           # from burst to burst; jittered, never in step with an adapter


@dataclass(frozen=True)
class Exchange:
    """A ping that was answered."""

    sent_ns: int
    pong: Pong
    recv_ns: int


class Pinger:
    """Number pings, and find for each answer when its ping was sent."""

    def __init__(self) -> None:
        self._next_id = 0
        self._sent_ns: dict[int, int] = {}

    @property
    def pending(self) -> int:
        """How many pings wait for an answer."""
        return len(self._sent_ns)

    def ping(self, send: Callable[[Ping], int]) -> None:
        """Send a ping; `send` returns the time just before it went out [ns]."""
        self._sent_ns[self._next_id] = send(Ping(self._next_id))
        self._next_id = (self._next_id + 1) % 2**16

    def match(self, pong: Pong, arrival_ns: int) -> Exchange | None:
        """Return the exchange that an answer completes; None where no ping waits for it."""
        sent_ns = self._sent_ns.pop(pong.id, None)
        return None if sent_ns is None else Exchange(sent_ns, pong, arrival_ns)

    def forget(self) -> None:
        """Wait for no answer any more."""
        self._sent_ns.clear()


class PingSchedule:
    """The time of the next ping of a continuous series.

    Parameters
    ----------
    due_s : time of the first one [s], on the clock that `advance` is given
    every_s : shortest and longest time from burst to burst [s]
    uniform : returns a random number between two bounds
    """

    def __init__(
        self, due_s: float, every_s: tuple[float, float] = PING_EVERY_S, *, uniform=random.uniform
    ) -> None:
        self.due_s = due_s
        self._every_s, self._uniform = every_s, uniform
        self._left = PING_BURST

    def advance(self, now_s: float) -> None:
        """Set the time of the next ping; one has been sent now."""
        self._left = self._left - 1 or PING_BURST
        is_last = self._left == PING_BURST
        self.due_s = now_s + self._uniform(*(self._every_s if is_last else PING_STEP_S))
