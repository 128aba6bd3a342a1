"""Device ticks to host time, with a bound that holds.

The device stamps with its own counter; the host pings it. Each answered ping says two things that cannot be wrong:
`send_ns <= host(rx_ticks)`, because the device read the ping after it was sent, and `host(tx_ticks) <= recv_ns`, because the
answer was written before it came. Each PPG sample adds one more upper bound: its window had ended when its packet arrived. (The
firmware queues it 0.4 ms before that, after the last conversion's hold; its 16 bytes then take 1.39 ms on the wire.)

Over a window of about a minute `host(ticks)` is a straight line, but for a crystal that wanders with temperature by a known
little. A line above every lower bound is above their upper hull, and a line below every upper bound is below their lower hull: at
any tick the truth lies between the two hulls. The midpoint is the estimate, half the distance the certificate. Nothing is
assumed of the delays but that they are not negative; a USB adapter that holds bytes for 16 ms widens single exchanges, and the
hull keeps those that were quick. Outside the hulls' span the extreme lines that still satisfy every bound take over.

The line is straight on a host clock that nobody steers. CLOCK_MONOTONIC is steered: NTP slews it, by up to 500 ppm. So the host
reads it together with CLOCK_MONOTONIC_RAW, some 30 times a second; the hulls are fitted on RAW, and what they say is put back on
CLOCK_MONOTONIC by the pairs.

All of it is worked on the residual `host - nominal`, in nanoseconds, so that float64 holds it to 16 ps over a day.

Source: the two-sided hull is that of Moon, Skelly and Towsley, "Estimation and removal of clock skew from network delay
measurements", INFOCOM 1999, used from both sides at once.
"""

from collections import deque
from dataclasses import dataclass

import numpy as np

from .layout import CLOCK_DTYPE, EXCHANGE_DTYPE

WINDOW_S = 60.0
# A ceramic resonator moves about 10 ppm/degC and a case a degree a minute: how fast the line may bend [1/s].
WANDER_PER_S = 10e-6 / 60.0
SLEW = 500e-6                   # the most by which the kernel lets NTP steer CLOCK_MONOTONIC
_STALE_NS = 1_000_000_000       # a packet takes less: what the live fit puts further off, it does not know (a host that slept)
_RECENT_READINGS = 64           # a second of them and more, for a packet that takes less


class TickCounter:
    """Unwrap a 32-bit tick counter; stamps may step back a little, as a sample's middle lies before a later pong."""

    def __init__(self) -> None:
        self._last: int | None = None

    def unwrap(self, ticks: int) -> int:
        """Give the 64-bit count nearest the last one; right for steps below 2^31 ticks (17.9 min at 2 MHz)."""
        if self._last is None:
            self._last = ticks
        else:
            self._last += (ticks - self._last + 2**31) % 2**32 - 2**31
        return self._last

    def skip(self, ticks: int) -> None:
        """Expect the next count about `ticks` further on: nobody listened meanwhile."""
        if self._last is not None:
            self._last += ticks


class HostClock:
    """CLOCK_MONOTONIC against CLOCK_MONOTONIC_RAW, from pairs read together (CLOCK_DTYPE); without pairs the two are one.

    Between two pairs the offset is a straight line, unless the rate changed there: a rate that goes from a to b within T strays
    from the line by at most |b - a| T / 4, and a and b show in the steps beside it. So does a pair that was not read at once.
    """

    def __init__(self, readings: np.ndarray) -> None:
        self._monotonic_ns, self._raw_ns = readings["monotonic_ns"], readings["raw_ns"]
        self._offset_ns = self._monotonic_ns - self._raw_ns
        step = np.diff(self._monotonic_ns)
        change = np.abs(np.diff(np.diff(self._offset_ns) / step))
        self._stray_ns = (np.pad(change, (1, 0)) + np.pad(change, (0, 1))) * step / 4 if len(step) else step

    def _at(self, at: np.ndarray, known: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Give the offset at times `at` [ns, on the clock of `known`], and how far it may be off."""
        if not len(known):
            return np.zeros_like(at), np.zeros_like(at)
        offset = np.rint(np.interp(at, known, self._offset_ns)).astype(np.int64)
        beyond = np.maximum(np.maximum(known[0] - at, at - known[-1]), 0)
        stray = SLEW * beyond
        if len(known) > 1:
            stray = stray + self._stray_ns[np.clip(np.searchsorted(known, at) - 1, 0, len(known) - 2)]
        return offset, np.ceil(stray).astype(np.int64)

    def to_raw(self, monotonic_ns: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Give the earliest and the latest that CLOCK_MONOTONIC_RAW showed at these times."""
        offset, stray = self._at(monotonic_ns, self._monotonic_ns)
        return monotonic_ns - offset - stray, monotonic_ns - offset + stray

    def to_monotonic(self, raw_ns: np.ndarray, bound_ns: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Put times and their bounds on CLOCK_MONOTONIC; a bound of -1 stays."""
        half = np.maximum(bound_ns, 0)
        (early, early_stray), (late, late_stray) = (self._at(raw_ns + sign * half, self._raw_ns) for sign in (-1, 1))
        low, high = raw_ns - half + early - early_stray, raw_ns + half + late + late_stray
        return (low + high) // 2, np.where(bound_ns >= 0, (high - low + 1) // 2, -1)


def _hull(x: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Give the vertices of the upper hull of points sorted by x (Andrew's monotone chain)."""
    keep: list[int] = []
    xs, ys = x.tolist(), y.tolist()
    for i in range(len(xs)):
        while len(keep) >= 2:
            a, b = keep[-2], keep[-1]
            if (ys[b] - ys[a]) * (xs[i] - xs[b]) > (ys[i] - ys[b]) * (xs[b] - xs[a]):
                break
            keep.pop()
        if len(keep) == 1 and xs[keep[0]] == xs[i]:
            if ys[i] <= ys[keep[0]]:
                continue
            keep.pop()
        keep.append(i)
    return x[keep], y[keep]


@dataclass(frozen=True)
class _Side:
    """One hull: vertices of a concave function that the truth is above (lower side), or minus it is (upper side)."""

    x: np.ndarray
    y: np.ndarray

    def at(self, x: np.ndarray, slope_left: float, slope_right: float, wander_ns: float, span: float) -> np.ndarray:
        """Give the bound at `x`, less what the line may bend between vertices; beyond them follow the extreme slopes.

        Those slopes are chords between the two hulls, which together reach over `span`: the line may have bent since.
        """
        bound = np.interp(x, self.x, self.y)
        i = np.clip(np.searchsorted(self.x, x), 1, max(len(self.x) - 1, 1))
        if len(self.x) > 1:
            inside = (x >= self.x[0]) & (x <= self.x[-1])
            # |f''| <= wander: a curve dips below its chord by at most wander * (x - x1) * (x2 - x) / 2.
            bound = bound - np.where(inside, wander_ns * (x - self.x[i - 1]) * (self.x[i] - x) / 2, 0.0)
        right = x > self.x[-1]
        if right.any():
            ahead = x[right, None] - self.x[None, :]
            bound[right] = (self.y + slope_right * ahead).max(axis=1) - wander_ns * (ahead[:, -1] + span) ** 2 / 2
        left = x < self.x[0]
        if left.any():
            behind = self.x[None, :] - x[left, None]
            bound[left] = (self.y - slope_left * behind).max(axis=1) - wander_ns * (behind[:, 0] + span) ** 2 / 2
        return bound


@dataclass(frozen=True)
class HullFit:
    """Bounds on host time over one window, from which any tick near it can be placed."""

    origin_ticks: int
    origin_ns: int
    ns_per_tick: float        # nominal
    lower: _Side
    upper: _Side              # negated, so that both sides are upper hulls
    slope_min: float          # extreme slopes of the residual that satisfy every bound; (ns of residual) / (ns nominal)
    slope_max: float

    def host_time(self, ticks: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Place ticks on the host's clock.

        Parameters
        ----------
        ticks : (N,) int64, unwrapped

        Returns
        -------
        (N,) int64 time [ns, on the clock of the bounds], (N,) int64 bound [ns]: |time - truth| <= bound; -1 where the bounds
        contradict each other (a host that slept, a device that was reset): no certificate there
        """
        x = (np.asarray(ticks, dtype=np.int64) - self.origin_ticks) * self.ns_per_tick
        wander_ns = WANDER_PER_S * 1e-9
        span = max(self.lower.x[-1], self.upper.x[-1]) - min(self.lower.x[0], self.upper.x[0])
        low = self.lower.at(x, self.slope_max, self.slope_min, wander_ns, span)
        high = -self.upper.at(x, -self.slope_min, -self.slope_max, wander_ns, span)
        time_ns = self.origin_ns + np.rint(x + (low + high) / 2).astype(np.int64)
        half = (high - low) / 2
        return time_ns, np.where(half >= 0, np.ceil(half) + 1, -1).astype(np.int64)   # + 1: the rounding of time_ns


def fit_hull(
    rx_ticks: np.ndarray, send_ns: np.ndarray, upper_ticks: np.ndarray, upper_ns: np.ndarray, tick_hz: float
) -> HullFit:
    """Fit the two hulls to bounds `send_ns <= host(rx_ticks)` and `host(upper_ticks) <= upper_ns`.

    All arrays int64, unsorted; at least one bound on each side, else `ValueError`.
    """
    if len(rx_ticks) == 0 or len(upper_ticks) == 0:
        raise ValueError("expected at least one bound on each side")
    ns_per_tick = 1e9 / tick_hz
    origin_ticks, origin_ns = int(rx_ticks[0]), int(send_ns[0])

    def side(ticks: np.ndarray, ns: np.ndarray, sign: int) -> _Side:
        x = (ticks - origin_ticks) * ns_per_tick
        y = sign * ((ns - origin_ns) - x)
        order = np.lexsort((y, x))
        return _Side(*_hull(x[order], y[order]))

    lower, upper = side(rx_ticks, send_ns, 1), side(upper_ticks, upper_ns, -1)
    # A line through the bounds passes above (x_i, low_i) and below (x_j, high_j): each pair limits its slope.
    dx = upper.x[None, :] - lower.x[:, None]
    dy = -upper.y[None, :] - lower.y[:, None]
    with np.errstate(divide="ignore", invalid="ignore"):
        slope = dy / dx
    slope_max = float(np.min(slope, initial=np.inf, where=dx > 0))
    slope_min = float(np.max(slope, initial=-np.inf, where=dx < 0))
    # With one exchange the slope is open on one side; no oscillator is 2 % off.
    slope_max, slope_min = min(slope_max, 0.02), max(slope_min, -0.02)
    return HullFit(origin_ticks, origin_ns, ns_per_tick, lower, upper, slope_min, slope_max)


def place_samples(
    exchanges: np.ndarray, clocks: np.ndarray, ticks: np.ndarray, arrival_ns: np.ndarray, *, tick_hz: float, rate_hz: float
) -> tuple[np.ndarray, np.ndarray]:
    """Place a whole recording's samples on the host's clock, from everything it holds.

    Each stretch of 10 s is placed by the hulls of the minute around it.

    Parameters
    ----------
    exchanges : (E,) EXCHANGE_DTYPE, ticks unwrapped
    clocks : (C,) CLOCK_DTYPE in the order they were read; with none CLOCK_MONOTONIC is taken for steady
    ticks, arrival_ns : (N,) int64, middle of each sample's window and arrival of its packet

    Returns
    -------
    (N,) int64 time [ns], (N,) int64 bound [ns], -1 where there is none
    """
    time_ns = np.array(arrival_ns, dtype=np.int64)
    bound_ns = np.full(len(ticks), -1, dtype=np.int64)
    if len(exchanges) == 0 or len(ticks) == 0:
        return time_ns, bound_ns
    host = HostClock(clocks)
    lower_ns, _ = host.to_raw(exchanges["send_ns"])
    ends = ticks + round(tick_hz / rate_hz / 2)
    upper_ticks = np.concatenate([exchanges["tx_ticks"], ends])
    _, upper_ns = host.to_raw(np.concatenate([exchanges["recv_ns"], arrival_ns]))
    step, reach = round(WINDOW_S / 6 * tick_hz), round(WINDOW_S / 2 * tick_hz)
    block = (ticks - ticks[0]) // step
    for k in np.unique(block):
        middle = int(ticks[0]) + k * step + step // 2
        low = np.abs(exchanges["rx_ticks"] - middle) <= reach
        high = np.abs(upper_ticks - middle) <= reach
        if not low.any():
            continue                                       # no answered ping for a minute: no certificate
        fit = fit_hull(exchanges["rx_ticks"][low], lower_ns[low], upper_ticks[high], upper_ns[high], tick_hz)
        here = block == k
        time_ns[here], bound_ns[here] = host.to_monotonic(*fit.host_time(ticks[here]))
    return time_ns, bound_ns


class LiveClock:
    """The same bounds while recording: fitted again at each answered ping, over the last minute."""

    def __init__(self, tick_hz: float, rate_hz: float) -> None:
        self.tick_hz = tick_hz
        self._half_window = round(tick_hz / rate_hz / 2)
        self._exchanges: deque[tuple[int, int, int, int, int]] = deque()
        self._uppers: deque[tuple[int, int]] = deque()
        self._clocks: deque[tuple[int, int]] = deque()
        self._fit: HullFit | None = None

    def add_clocks(self, monotonic_ns: int, raw_ns: int) -> None:
        """Take a reading of the host's two clocks."""
        self._clocks.append((monotonic_ns, raw_ns))
        while self._clocks[0][0] < monotonic_ns - WINDOW_S * 1e9:
            self._clocks.popleft()

    def add_exchange(self, send_ns: int, rx_ticks: int, tx_ticks: int, recv_ns: int, ping_id: int = 0) -> None:
        """Take an answered ping and fit again."""
        self._exchanges.append((send_ns, rx_ticks, tx_ticks, recv_ns, ping_id))
        oldest = tx_ticks - round(WINDOW_S * self.tick_hz)
        while self._exchanges[0][1] < oldest:
            self._exchanges.popleft()
        exchanges = np.array(list(self._exchanges), dtype=EXCHANGE_DTYPE)
        uppers = np.array(self._uppers, dtype=np.int64).reshape(-1, 2)
        host = HostClock(np.array(list(self._clocks), dtype=CLOCK_DTYPE))
        lower_ns, _ = host.to_raw(exchanges["send_ns"])
        _, upper_ns = host.to_raw(np.concatenate([exchanges["recv_ns"], uppers[:, 1]]))
        upper_ticks = np.concatenate([exchanges["tx_ticks"], uppers[:, 0]])
        self._fit = fit_hull(exchanges["rx_ticks"], lower_ns, upper_ticks, upper_ns, self.tick_hz)

    def place(self, ticks: int, arrival_ns: int) -> tuple[int, int]:
        """Place one sample on the host's clock as it arrives: time and bound [ns]; bound -1 before the first ping."""
        self._uppers.append((ticks + self._half_window, arrival_ns))
        while self._uppers[0][0] < ticks - WINDOW_S * self.tick_hz:
            self._uppers.popleft()
        if self._fit is None:
            return arrival_ns, -1
        host = HostClock(np.array(list(self._clocks)[-_RECENT_READINGS:], dtype=CLOCK_DTYPE))
        time_ns, bound_ns = host.to_monotonic(*self._fit.host_time(np.array([ticks])))
        if abs(arrival_ns - int(time_ns[0])) > _STALE_NS:
            return arrival_ns, -1
        return int(time_ns[0]), int(bound_ns[0])
