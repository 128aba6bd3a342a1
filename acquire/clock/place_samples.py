"""Place samples on the host's clock: a whole recording at once, or one by one while recording."""

from collections import deque
from collections.abc import Iterator
from itertools import pairwise

import numpy as np

from acquire.layout import BOOT_TICKS, CLOCK_DTYPE, EXCHANGE_DTYPE, SUSPENSION_DTYPE

from .exchange_bounds import exchange_bounds
from .fit import ClockFit
from .steering import ClockSteering
from .ticks import RATE_ERROR, SAMPLE_NS, crosses_serial_line

# a sample's last input is held this long before its window ends, and the sample queued later
QUEUED_EARLY_S = 0.0005
# no packet comes before its sample: a live placement so much later is wrong (the host slept)
_TOO_LATE_NS = 1_000_000_000
_RECENT_READINGS = 64           # a second of them and more, for a packet that takes less


NEVER_SUSPENDED = np.empty(0, SUSPENSION_DTYPE)


def boot_of(ticks: np.ndarray) -> np.ndarray:
    """Return the number of the boot of each tick.

    Half a turn is spare on either side, because a sample may lie before the first unwrapped tick.
    """
    return (ticks + BOOT_TICKS // 2) // BOOT_TICKS


def _is_cut(exchanges: np.ndarray, tick_hz: float) -> np.ndarray:
    """Return where the device restarted or the host slept between two neighbours, (E-1,) bool.

    Elsewhere the two clocks advance alike, within RATE_ERROR.
    """
    device_ns = (exchanges["rx_ticks"][1:] - exchanges["tx_ticks"][:-1]) * (1e9 / tick_hz)
    least_ns = exchanges["send_ns"][1:] - exchanges["recv_ns"][:-1]
    most_ns = exchanges["recv_ns"][1:] - exchanges["send_ns"][:-1]
    restarted = np.diff(boot_of(exchanges["rx_ticks"])) != 0
    slept = least_ns > device_ns * (1 + RATE_ERROR)
    return restarted | slept | (most_ns < device_ns * (1 - RATE_ERROR))


def _in_one_stretch(exchanges: np.ndarray, suspensions: np.ndarray) -> np.ndarray:
    """Leave out the exchanges during which the host was suspended."""
    spans = np.zeros(len(exchanges), bool)
    for before_ns, after_ns, _ in suspensions.tolist():
        spans |= (exchanges["send_ns"] < after_ns) & (exchanges["recv_ns"] > before_ns)
    return exchanges[~spans]


def _suspended_after(exchanges: np.ndarray, suspensions: np.ndarray) -> np.ndarray:
    """Return when the host was suspended after each exchange and before the next, (E,) int64 [ns].

    -1 where it was not.
    """
    until_ns = np.full(len(exchanges), -1)
    for before_ns in suspensions["before_ns"][::-1].tolist():
        at = int(np.searchsorted(exchanges["recv_ns"], before_ns, side="right")) - 1
        if at >= 0:
            until_ns[at] = before_ns
    return until_ns


def _stretches(
    exchanges: np.ndarray, tick_hz: float, suspensions: np.ndarray
) -> Iterator[tuple[slice, int, int, int]]:
    """Yield the stretches between cuts: their exchanges, their first and last tick, and an arrival.

    What lies between two stretches of one boot belongs to neither, because it is not known when the
    host slept there; but what arrived before it was suspended, by `until_ns`, to the first.
    """
    until_ns = _suspended_after(exchanges, suspensions)
    is_cut = _is_cut(exchanges, tick_hz) | (until_ns[:-1] >= 0)
    starts = [0, *(np.flatnonzero(is_cut) + 1).tolist(), len(exchanges)]
    boots = boot_of(exchanges["rx_ticks"]).tolist()
    for start, end in pairwise(starts):
        boot = boots[start]
        first, last = (boot * BOOT_TICKS - BOOT_TICKS // 2, boot * BOOT_TICKS + BOOT_TICKS // 2 - 1)
        if start and boots[start - 1] == boot:
            first = int(exchanges["rx_ticks"][start])
        if until_ns[end - 1] >= 0 or (end < len(boots) and boots[end] == boot):
            last = int(exchanges["tx_ticks"][end - 1])
        yield slice(start, end), first, last, int(until_ns[end - 1])


def place_samples(
    exchanges: np.ndarray, clocks: np.ndarray, ticks: np.ndarray, arrival_ns: np.ndarray, *,
    tick_hz: float, rate_hz: float, suspensions: np.ndarray = NEVER_SUSPENDED,
) -> tuple[np.ndarray, np.ndarray]:
    """Place the samples of a whole recording on the host's clock, each boot of the device alone.

    Parameters
    ----------
    exchanges : (E,) EXCHANGE_DTYPE, ticks unwrapped, boot n from n * BOOT_TICKS
    clocks : (C,) CLOCK_DTYPE in the order they were read; without them CLOCK_MONOTONIC is taken for
        unsteered
    ticks, arrival_ns : (N,) int64, middle of each sample's window and arrival of its packet
    suspensions : (S,) SUSPENSION_DTYPE, in order; each begins a new stretch of the clock

    Returns
    -------
    (N,) int64 time [ns], (N,) int64 bound [ns]; where there is none the bound is -1 and the time
    the arrival
    """
    time_ns = np.array(arrival_ns, dtype=np.int64)
    bound_ns = np.full(len(ticks), -1, dtype=np.int64)
    exchanges = _in_one_stretch(exchanges, suspensions)
    if len(exchanges) == 0 or len(ticks) == 0:
        return time_ns, bound_ns
    exchanges = exchanges[np.argsort(exchanges["rx_ticks"], kind="stable")]
    host = ClockSteering(clocks)
    has_line = crosses_serial_line(exchanges, tick_hz)
    queued_ticks = ticks + _ticks_until_queued(tick_hz, rate_hz)
    after_ns, answered_ns = exchange_bounds(exchanges, host, has_line=has_line)
    arrived_ns = host.to_raw(arrival_ns)[1] - has_line * SAMPLE_NS
    for here, first, last, until_ns in _stretches(exchanges, tick_hz, suspensions):
        fit = ClockFit(int(exchanges["rx_ticks"][here][0]), int(after_ns[here][0]), tick_hz)
        ours = np.flatnonzero((ticks >= first) & ((ticks <= last) | (arrival_ns <= until_ns)))
        fit.after(exchanges["rx_ticks"][here], after_ns[here])
        before_ns = np.concatenate([answered_ns[here], arrived_ns[ours]])
        fit.before(np.concatenate([exchanges["tx_ticks"][here], queued_ticks[ours]]), before_ns)
        placed_ns, within_ns = host.to_monotonic(*fit.host_time(ticks[ours]))
        known = within_ns >= 0
        time_ns[ours[known]], bound_ns[ours] = placed_ns[known], within_ns
    return time_ns, bound_ns


def _ticks_until_queued(tick_hz: float, rate_hz: float) -> int:
    """Return the ticks from the middle of a sample's window until it may be queued."""
    return round(tick_hz / rate_hz / 2 - QUEUED_EARLY_S * tick_hz)


class LivePlacer:
    """Place samples while recording, by the bounds that have come so far."""

    def __init__(self, tick_hz: float, rate_hz: float) -> None:
        self.tick_hz = tick_hz
        self._until_queued = _ticks_until_queued(tick_hz, rate_hz)
        self._clocks: deque[tuple[int, int]] = deque(maxlen=_RECENT_READINGS)
        self._last: tuple[int, int, int, int, int] | None = None
        self._has_line = True
        self._fit: ClockFit | None = None

    def add_clock_reading(self, monotonic_ns: int, raw_ns: int) -> None:
        """Take a reading of the host's two clocks."""
        self._clocks.append((monotonic_ns, raw_ns))

    def begin_stretch(self) -> None:
        """Forget what is known: the host was suspended, and its clock stood still meanwhile."""
        self._fit = self._last = None

    def _steering(self) -> ClockSteering:
        return ClockSteering(np.array(self._clocks, dtype=CLOCK_DTYPE))

    def add_exchange(
        self, send_ns: int, rx_ticks: int, tx_ticks: int, recv_ns: int, ping_id: int = 0
    ) -> None:
        """Take an answered ping."""
        new = (send_ns, rx_ticks, tx_ticks, recv_ns, ping_id)
        last, self._last = self._last, new
        last_two = np.array([last or new, new], dtype=EXCHANGE_DTYPE)
        if self._has_line and not crosses_serial_line(last_two[1:], self.tick_hz):
            self._has_line = False
            self._fit = None                # its bounds assumed a line
        elif last is not None and _is_cut(last_two, self.tick_hz)[0]:
            self._fit = None
        after_ns, before_ns = exchange_bounds(
            last_two[1:], self._steering(), has_line=self._has_line
        )
        if self._fit is None:
            self._fit = ClockFit(rx_ticks, int(after_ns[0]), self.tick_hz)
        self._fit.after(last_two["rx_ticks"][1:], after_ns)
        self._fit.before(last_two["tx_ticks"][1:], before_ns)
        self._fit.forget()

    def place(self, ticks: int, arrival_ns: int) -> tuple[int, int]:
        """Return time and bound of a new sample [ns]; the bound is -1 before the first ping.

        A sample may have waited: a host that was paused reads it long after it came.
        """
        if self._fit is None:
            return arrival_ns, -1
        host = self._steering()
        arrived_ns = host.to_raw(np.array([arrival_ns]))[1] - self._has_line * SAMPLE_NS
        self._fit.before(np.array([ticks + self._until_queued]), arrived_ns)
        time_ns, bound_ns = host.to_monotonic(*self._fit.host_time(np.array([ticks])))
        if bound_ns[0] < 0 or int(time_ns[0]) - arrival_ns > _TOO_LATE_NS:
            return arrival_ns, -1
        return int(time_ns[0]), int(bound_ns[0])
