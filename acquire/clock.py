"""Device ticks to host time, with a bound that holds.

The device stamps with its own counter; the host pings it. Each answered ping says two things that
cannot be wrong: `send_ns + out <= host(rx_ticks)`, because the device read the ping's last byte
after all of its bytes had crossed the line, and `host(tx_ticks) + back <= recv_ns`, because the
answer's bytes had to cross it too. Each PPG sample adds one more upper bound: it was queued after
the last input of its window was held, and crossed the line before it arrived. `out` and `back` are
the least times that so many bytes take on an 8N1 line at 115200 baud. Nothing else is assumed of
the delays but that they are not negative; a USB adapter that holds bytes for 16 ms widens single
exchanges, and those that were quick decide.

Between these bounds the residual `f = host - nominal` moves as the oscillator does: its rate
wanders with temperature, by no more than W = WANDER_PER_S, |f''| <= W. So f + W x^2/2 is convex,
and f, below the points (x, upper), is below the lower hull of the lifted points (x, upper + W
x^2/2); likewise it is above the upper hull of (x, lower - W x^2/2). Lifting lets the hull itself
choose how far it may reach, so one hull spans a whole recording and no window has to be chosen.
Beyond the last bound of a side f goes on at least as steeply as chords from one side to the other,
lifted the other way, say. At any tick the truth lies between the two sides: the midpoint is the
estimate, half the distance the certificate.

f is smooth only on a host clock that nobody steers. CLOCK_MONOTONIC is steered: NTP slews it, by up
to 500 ppm. So the host reads it together with CLOCK_MONOTONIC_RAW, some 30 times a second; the
hulls are made on RAW, and what they say is put back on CLOCK_MONOTONIC by the pairs.

docs/timing.md has the proof. All of it is worked in nanoseconds of residual, so that float64 holds
it to 0.02 ns over a day.

Source: hulls against network delay are from Moon, Skelly and Towsley, "Estimation and removal of
clock skew from network delay measurements", INFOCOM 1999; used from both sides at once, and lifted,
here.
"""

from collections import deque
from collections.abc import Iterator
from itertools import pairwise

import numpy as np

from acquire.sensor.protocol import BAUD, SIZE_PING, SIZE_PONG, SIZE_SAMPLE

from .layout import BOOT_TICKS, CLOCK_DTYPE, EXCHANGE_DTYPE

# A ceramic resonator moves about 10 ppm/degC, and a case hardly three degrees a minute: how fast
# the rate may change [1/s].
WANDER_PER_S = 30e-6 / 60.0
SLEW = 500e-6                   # the most by which the kernel lets NTP steer CLOCK_MONOTONIC
RATE_ERROR = 0.02               # no oscillator that a UART works with is further off
# a sample's last input is held this long before its window ends, and the sample queued later
QUEUED_EARLY_S = 0.0005
# a UART's rate above its name: 2.1 % by an ATmega's divider, 0.5 % by its resonator, and some
_FASTEST = 1.04
_FRAMING = 5                    # bytes around a payload: type, CRC, one COBS code, the closing zero
# a packet takes less: what the live fit puts further off, it does not know (a host that slept)
_STALE_NS = 1_000_000_000
_RECENT_READINGS = 64           # a second of them and more, for a packet that takes less
_HALF_WANDER = WANDER_PER_S * 1e-9 / 2     # [1/ns]
# vertices at an end of a hull that say how it goes on, from so far before the end
_EDGE, _EDGE_NS = 64, 1e10
_KEPT = 256                     # vertices while recording


def least_wire_ns(payload: int) -> int:
    """Give the least time that a packet with `payload` bytes takes on the line [ns].

    Ten bits a byte; the last stop bit does not count, for a UART may call a byte whole in the
    middle of it.
    """
    return int((10 * (payload + _FRAMING) - 1) * 1_000_000_000 / (BAUD * _FASTEST))


PING_NS, PONG_NS, SAMPLE_NS = (least_wire_ns(size) for size in (SIZE_PING, SIZE_PONG, SIZE_SAMPLE))


class TickCounter:
    """Unwrap a 32-bit tick counter; stamps may step back a little, as a sample's middle lies before
    a later pong.
    """

    def __init__(self) -> None:
        self._last: int | None = None

    def unwrap(self, ticks: int) -> int:
        """Give the 64-bit count nearest the last one; right for steps below 2^31 ticks (17.9 min at
        2 MHz).
        """
        if self._last is None:
            self._last = ticks
        else:
            self._last += (ticks - self._last + 2**31) % 2**32 - 2**31
        return self._last

    def skip(self, ticks: int) -> None:
        """Expect the next count about `ticks` further on: nobody listened meanwhile."""
        if self._last is not None:
            self._last += ticks


class ClockSteering:
    """CLOCK_MONOTONIC against CLOCK_MONOTONIC_RAW, from pairs read together (CLOCK_DTYPE); without
    pairs the two are one.

    Between two pairs the offset is a straight line, unless the rate changed there: a rate that goes
    from a to b within T strays from the line by at most |b - a| T / 4, and a and b show in the
    steps beside it. So does a pair that was not read at once.
    """

    def __init__(self, readings: np.ndarray) -> None:
        self._monotonic_ns, self._raw_ns = readings["monotonic_ns"], readings["raw_ns"]
        self._offset_ns = self._monotonic_ns - self._raw_ns
        step = np.diff(self._monotonic_ns)
        change = np.abs(np.diff(np.diff(self._offset_ns) / step))
        self._stray_ns = (
            (np.pad(change, (1, 0)) + np.pad(change, (0, 1))) * step / 4 if len(step) else step
        )

    def _at(self, at: np.ndarray, known: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Give the offset at times `at` [ns, on the clock of `known`], and how far it may be off.
        """
        if not len(known):
            return np.zeros_like(at), np.zeros_like(at)
        offset = np.rint(np.interp(at, known, self._offset_ns)).astype(np.int64)
        beyond = np.maximum(np.maximum(known[0] - at, at - known[-1]), 0)
        stray = SLEW * beyond
        if len(known) > 1:
            stray = (
                stray + self._stray_ns[np.clip(np.searchsorted(known, at) - 1, 0, len(known) - 2)]
            )
        return offset, np.ceil(stray).astype(np.int64)

    def to_raw(self, monotonic_ns: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Give the earliest and the latest that CLOCK_MONOTONIC_RAW showed at these times."""
        offset, stray = self._at(monotonic_ns, self._monotonic_ns)
        return monotonic_ns - offset - stray, monotonic_ns - offset + stray

    def to_monotonic(
        self, raw_ns: np.ndarray, bound_ns: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray]:
        """Put times and their bounds on CLOCK_MONOTONIC; a bound of -1 stays."""
        half = np.maximum(bound_ns, 0)
        (early, early_stray), (late, late_stray) = (
            self._at(raw_ns + sign * half, self._raw_ns) for sign in (-1, 1)
        )
        low, high = raw_ns - half + early - early_stray, raw_ns + half + late + late_stray
        return (low + high) // 2, np.where(bound_ns >= 0, (high - low + 1) // 2, -1)


class _Side:
    """One side of the truth: bounds f(x) >= y that come in order of x, and what follows from them
    between and beyond.

    The far side of a fit bounds -f, so that both are of this class. f - W x^2/2 is concave: kept is
    the upper hull of the points (x, y - W x^2/2) (Andrew's monotone chain). A point out of order is
    left out: what is left still bounds.
    """

    def __init__(self) -> None:
        self._x: list[float] = []
        self._lifted: list[float] = []

    def add(self, x: np.ndarray, y: np.ndarray) -> None:
        """Take bounds f(x) >= y, (N,) each, sorted or not among themselves."""
        xs, ys = self._x, self._lifted
        order = np.lexsort((y, x))
        for at, lifted in zip(
            x[order].tolist(), (y - _HALF_WANDER * x**2)[order].tolist(), strict=True
        ):
            if xs and at <= xs[-1]:
                if at < xs[-1] or lifted <= ys[-1]:
                    continue
                xs.pop()
                ys.pop()
            while len(xs) > 1 and (ys[-1] - ys[-2]) * (at - xs[-1]) <= (lifted - ys[-1]) * (
                xs[-1] - xs[-2]
            ):
                xs.pop()
                ys.pop()
            xs.append(at)
            ys.append(lifted)

    def forget(self) -> None:
        """Drop all vertices but the last: what is left still bounds."""
        del self._x[:-_KEPT], self._lifted[:-_KEPT]

    def at(self, x: np.ndarray, far: "_Side") -> np.ndarray:
        """Give the greatest y for which f(x) >= y is sure; -inf where nothing is known."""
        if not self._x:
            return np.full(len(x), -np.inf)
        own_x, own = np.array(self._x), np.array(self._lifted)
        bound = np.interp(x, own_x, own, left=-np.inf, right=-np.inf) + _HALF_WANDER * x**2
        for sign, near in ((1, x > own_x[-1] - _EDGE_NS), (-1, x < own_x[0] + _EDGE_NS)):
            if near.any():
                bound[near] = np.maximum(
                    bound[near], self._from_one_side(sign * x[near], sign, far)
                )
        return bound

    def _vertices(self, sign: int) -> tuple[np.ndarray, np.ndarray]:
        """Give the vertices of one end, mirrored with sign -1 so that the end is on the right: x,
        y.
        """
        edge = slice(-_EDGE, None) if sign > 0 else slice(_EDGE)
        x = np.array(self._x[edge])
        return sign * x, np.array(self._lifted[edge]) + _HALF_WANDER * x**2

    def _from_one_side(self, x: np.ndarray, sign: int, far: "_Side") -> np.ndarray:
        """Bound f at `x` from the points left of it alone.

        The convex f + W x^2/2 gets no flatter: it goes on at least as steeply as it rose from a far
        point, which it was below, to an own one, which it was above, or as any oscillator may.
        """
        (own_x, own), (far_x, far_y) = self._vertices(sign), far._vertices(sign)
        own, far_y = own + _HALF_WANDER * own_x**2, -far_y + _HALF_WANDER * far_x**2
        run, rise = own_x[None, :] - far_x[:, None], own[None, :] - far_y[:, None]
        seen = np.divide(rise, run, out=np.full_like(run, -np.inf), where=run > 0).max(
            axis=0, initial=-np.inf
        )
        slope = np.maximum(seen, -RATE_ERROR + 2 * _HALF_WANDER * own_x)
        ahead = x[:, None] - own_x
        return np.where(ahead >= 0, own + slope * ahead, -np.inf).max(axis=1) - _HALF_WANDER * x**2


class ClockFit:
    """Bounds on host time, taken in order of device time, from which any tick near them can be
    placed.
    """

    def __init__(self, origin_ticks: int, origin_ns: int, tick_hz: float) -> None:
        self._origin_ticks, self._origin_ns = origin_ticks, origin_ns
        self._ns_per_tick = 1e9 / tick_hz
        self._lower, self._upper = _Side(), _Side()

    def after(self, ticks: np.ndarray, ns: np.ndarray) -> None:
        """Take `ns <= host(ticks)`, (N,) int64 each."""
        x = (ticks - self._origin_ticks) * self._ns_per_tick
        self._lower.add(x, (ns - self._origin_ns) - x)

    def before(self, ticks: np.ndarray, ns: np.ndarray) -> None:
        """Take `host(ticks) <= ns`, (N,) int64 each."""
        x = (ticks - self._origin_ticks) * self._ns_per_tick
        self._upper.add(x, x - (ns - self._origin_ns))

    def forget(self) -> None:
        """Drop what was said long before."""
        self._lower.forget()
        self._upper.forget()

    def host_time(self, ticks: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Place ticks on the host's clock.

        Parameters
        ----------
        ticks : (N,) int64, unwrapped

        Returns
        -------
        (N,) int64 time [ns, on the clock of the bounds], (N,) int64 bound [ns]: |time - truth| <=
        bound; -1 where the bounds contradict each other or there is none on one side, and the time
        is worth nothing
        """
        x = (np.asarray(ticks, dtype=np.int64) - self._origin_ticks) * self._ns_per_tick
        low, high = self._lower.at(x, self._upper), -self._upper.at(x, self._lower)
        # 1: a rounding is no contradiction
        known = np.isfinite(low) & np.isfinite(high) & (low <= high + 1)
        low, high = np.where(known, low, 0), np.where(known, high, 0)
        time_ns = self._origin_ns + np.rint(x + (low + high) / 2).astype(np.int64)
        # + 1: time_ns is rounded
        return time_ns, np.where(known, np.ceil(np.abs(high - low) / 2) + 1, -1).astype(np.int64)


def crosses_serial_line(exchanges: np.ndarray, tick_hz: float) -> bool:
    """Say whether no exchange was quicker than its bytes on a line; one that was comes from a port
    without one (native USB).
    """
    at_device_ns = (
        (exchanges["tx_ticks"] - exchanges["rx_ticks"]) * (1e9 / tick_hz) * (1 - RATE_ERROR)
    )
    return bool(
        np.all(exchanges["recv_ns"] - exchanges["send_ns"] - at_device_ns >= PING_NS + PONG_NS)
    )


def _boot(ticks: np.ndarray) -> np.ndarray:
    """Give the number of the boot; half a turn to spare on either side, for a sample may lie before
    the first tick unwrapped.
    """
    return (ticks + BOOT_TICKS // 2) // BOOT_TICKS


def _cuts(exchanges: np.ndarray, tick_hz: float) -> np.ndarray:
    """Say, for each two neighbours, whether the device restarted or the host slept between them.

    Else the host's clock and the device's go on alike, within RATE_ERROR.
    """
    device_ns = (exchanges["rx_ticks"][1:] - exchanges["tx_ticks"][:-1]) * (1e9 / tick_hz)
    least, most = (
        exchanges["send_ns"][1:] - exchanges["recv_ns"][:-1],
        exchanges["recv_ns"][1:] - exchanges["send_ns"][:-1],
    )
    restarted = np.diff(_boot(exchanges["rx_ticks"])) != 0
    return (
        restarted | (least > device_ns * (1 + RATE_ERROR)) | (most < device_ns * (1 - RATE_ERROR))
    )


def _stretches(exchanges: np.ndarray, tick_hz: float) -> Iterator[tuple[slice, int, int]]:
    """Give the stretches between cuts: their exchanges, and the ticks that are theirs, first and
    last.

    What lies between two stretches of one boot belongs to neither: where in it the host slept is
    not known.
    """
    starts = [0, *(np.flatnonzero(_cuts(exchanges, tick_hz)) + 1).tolist(), len(exchanges)]
    boots = _boot(exchanges["rx_ticks"]).tolist()
    for start, end in pairwise(starts):
        boot = boots[start]
        first, last = (boot * BOOT_TICKS - BOOT_TICKS // 2, boot * BOOT_TICKS + BOOT_TICKS // 2 - 1)
        if start and boots[start - 1] == boot:
            first = int(exchanges["rx_ticks"][start])
        if end < len(boots) and boots[end] == boot:
            last = int(exchanges["tx_ticks"][end - 1])
        yield slice(start, end), first, last


def place_samples(
    exchanges: np.ndarray, clocks: np.ndarray, ticks: np.ndarray, arrival_ns: np.ndarray, *,
    tick_hz: float, rate_hz: float,
) -> tuple[np.ndarray, np.ndarray]:
    """Place a whole recording's samples on the host's clock, from everything it holds; each boot of
    the device alone.

    Parameters
    ----------
    exchanges : (E,) EXCHANGE_DTYPE, ticks unwrapped, boot n from n * BOOT_TICKS
    clocks : (C,) CLOCK_DTYPE in the order they were read; with none CLOCK_MONOTONIC is taken for
        steady
    ticks, arrival_ns : (N,) int64, middle of each sample's window and arrival of its packet

    Returns
    -------
    (N,) int64 time [ns], (N,) int64 bound [ns]; where there is none the bound is -1 and the time
    the arrival
    """
    time_ns = np.array(arrival_ns, dtype=np.int64)
    bound_ns = np.full(len(ticks), -1, dtype=np.int64)
    if len(exchanges) == 0 or len(ticks) == 0:
        return time_ns, bound_ns
    exchanges = exchanges[np.argsort(exchanges["rx_ticks"], kind="stable")]
    host = ClockSteering(clocks)
    line = crosses_serial_line(exchanges, tick_hz)
    queued_ticks = ticks + _queued(tick_hz, rate_hz)
    after_ns = host.to_raw(exchanges["send_ns"])[0] + line * PING_NS
    answered_ns = host.to_raw(exchanges["recv_ns"])[1] - line * PONG_NS
    arrived_ns = host.to_raw(arrival_ns)[1] - line * SAMPLE_NS
    for here, first, last in _stretches(exchanges, tick_hz):
        fit = ClockFit(int(exchanges["rx_ticks"][here][0]), int(after_ns[here][0]), tick_hz)
        ours = np.flatnonzero((ticks >= first) & (ticks <= last))
        fit.after(exchanges["rx_ticks"][here], after_ns[here])
        before_ns = np.concatenate([answered_ns[here], arrived_ns[ours]])
        fit.before(np.concatenate([exchanges["tx_ticks"][here], queued_ticks[ours]]), before_ns)
        placed_ns, within_ns = host.to_monotonic(*fit.host_time(ticks[ours]))
        known = within_ns >= 0
        time_ns[ours[known]], bound_ns[ours] = placed_ns[known], within_ns
    return time_ns, bound_ns


def _queued(tick_hz: float, rate_hz: float) -> int:
    """Give the ticks from the middle of a sample's window until it may be queued."""
    return round(tick_hz / rate_hz / 2 - QUEUED_EARLY_S * tick_hz)


class LivePlacer:
    """The same bounds while recording, from what has come so far."""

    def __init__(self, tick_hz: float, rate_hz: float) -> None:
        self.tick_hz = tick_hz
        self._queued = _queued(tick_hz, rate_hz)
        self._clocks: deque[tuple[int, int]] = deque(maxlen=_RECENT_READINGS)
        self._last: tuple[int, int, int, int, int] | None = None
        self._line = True
        self._fit: ClockFit | None = None

    def add_clocks(self, monotonic_ns: int, raw_ns: int) -> None:
        """Take a reading of the host's two clocks."""
        self._clocks.append((monotonic_ns, raw_ns))

    def _host(self) -> ClockSteering:
        return ClockSteering(np.array(self._clocks, dtype=CLOCK_DTYPE))

    def add_exchange(
        self, send_ns: int, rx_ticks: int, tx_ticks: int, recv_ns: int, ping_id: int = 0
    ) -> None:
        """Take an answered ping."""
        new = (send_ns, rx_ticks, tx_ticks, recv_ns, ping_id)
        known, self._last = self._last, new
        last_two = np.array([known or new, new], dtype=EXCHANGE_DTYPE)
        if self._line and not crosses_serial_line(last_two[1:], self.tick_hz):
            self._line = False
            self._fit = None                # it took a line for granted
        elif known is not None and _cuts(last_two, self.tick_hz)[0]:
            self._fit = None
        host = self._host()
        after_ns = host.to_raw(last_two["send_ns"][1:])[0] + self._line * PING_NS
        before_ns = host.to_raw(last_two["recv_ns"][1:])[1] - self._line * PONG_NS
        if self._fit is None:
            self._fit = ClockFit(rx_ticks, int(after_ns[0]), self.tick_hz)
        self._fit.after(last_two["rx_ticks"][1:], after_ns)
        self._fit.before(last_two["tx_ticks"][1:], before_ns)
        self._fit.forget()

    def place(self, ticks: int, arrival_ns: int) -> tuple[int, int]:
        """Place one sample on the host's clock as it arrives: time and bound [ns]; bound -1 before
        the first ping.
        """
        if self._fit is None:
            return arrival_ns, -1
        host = self._host()
        arrived_ns = host.to_raw(np.array([arrival_ns]))[1] - self._line * SAMPLE_NS
        self._fit.before(np.array([ticks + self._queued]), arrived_ns)
        time_ns, bound_ns = host.to_monotonic(*self._fit.host_time(np.array([ticks])))
        if bound_ns[0] < 0 or abs(arrival_ns - int(time_ns[0])) > _STALE_NS:
            return arrival_ns, -1
        return int(time_ns[0]), int(bound_ns[0])
