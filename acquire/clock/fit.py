"""The fit itself: a hull of bounds on either side of the truth; ticks are placed between them."""

import numpy as np

from .ticks import RATE_ERROR

# A ceramic resonator moves about 10 ppm/degC, and a case hardly three degrees a minute: how fast
# the rate may change [1/s].
WANDER_PER_S = 30e-6 / 60.0
_HALF_WANDER = WANDER_PER_S * 1e-9 / 2     # [1/ns]
# vertices at an end of a hull that determine how it goes on, from so far before the end
_EDGE, _EDGE_NS = 64, 1e10
_BLOCK = 16_384                 # ticks placed at once beyond a hull: each takes _EDGE numbers
_KEPT = 256                     # vertices while recording


class _LowerBounds:
    """Bounds f(x) >= y that come in order of x, and what follows from them between and beyond.

    Upper bounds are lower bounds of -f, so that both sides of a fit are of this class. f - W x^2/2
    is concave: kept is the upper hull of the points (x, y - W x^2/2) (Andrew's monotone chain). A
    point out of order is left out; the remaining ones still bound.
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
        """Drop all vertices but the last ones; these still bound."""
        del self._x[:-_KEPT], self._lifted[:-_KEPT]

    def at(self, x: np.ndarray, other: "_LowerBounds") -> np.ndarray:
        """Return the greatest y for which f(x) >= y is certain; -inf where nothing is known.

        `other` are the bounds on the other side of the truth.
        """
        if not self._x:
            return np.full(len(x), -np.inf)
        hull_x, hull = np.array(self._x), np.array(self._lifted)
        bound = np.interp(x, hull_x, hull, left=-np.inf, right=-np.inf) + _HALF_WANDER * x**2
        for sign, near in ((1, x > hull_x[-1] - _EDGE_NS), (-1, x < hull_x[0] + _EDGE_NS)):
            places = np.flatnonzero(near)
            for first in range(0, len(places), _BLOCK):
                some = places[first : first + _BLOCK]
                beyond = self._from_one_side(sign * x[some], sign, other)
                bound[some] = np.maximum(bound[some], beyond)
        return bound

    def _vertices(self, sign: int) -> tuple[np.ndarray, np.ndarray]:
        """Return x and y of the vertices at one end; sign -1 mirrors the left end to the right."""
        edge = slice(-_EDGE, None) if sign > 0 else slice(_EDGE)
        x = np.array(self._x[edge])
        return sign * x, np.array(self._lifted[edge]) + _HALF_WANDER * x**2

    def _from_one_side(self, x: np.ndarray, sign: int, other: "_LowerBounds") -> np.ndarray:
        """Bound f at `x` from the points left of it alone.

        The convex f + W x^2/2 never gets flatter: it goes on at least as steeply as it rose from a
        point of the other side, which it was below, to an own one, which it was above, or as any
        oscillator may.
        """
        (own_x, own), (other_x, other_y) = self._vertices(sign), other._vertices(sign)
        own, other_y = own + _HALF_WANDER * own_x**2, -other_y + _HALF_WANDER * other_x**2
        run, rise = own_x[None, :] - other_x[:, None], own[None, :] - other_y[:, None]
        chords = np.divide(rise, run, out=np.full_like(run, -np.inf), where=run > 0)
        steepest = chords.max(axis=0, initial=-np.inf)
        slope = np.maximum(steepest, -RATE_ERROR + 2 * _HALF_WANDER * own_x)
        ahead = x[:, None] - own_x
        return np.where(ahead >= 0, own + slope * ahead, -np.inf).max(axis=1) - _HALF_WANDER * x**2


class ClockFit:
    """Bounds on host time, taken in order of device time; any tick near them can be placed."""

    def __init__(self, origin_ticks: int, origin_ns: int, tick_hz: float) -> None:
        self._origin_ticks, self._origin_ns = origin_ticks, origin_ns
        self._ns_per_tick = 1e9 / tick_hz
        self._lower, self._upper = _LowerBounds(), _LowerBounds()

    def after(self, ticks: np.ndarray, ns: np.ndarray) -> None:
        """Take `ns <= host(ticks)`, (N,) int64 each."""
        x = (ticks - self._origin_ticks) * self._ns_per_tick
        self._lower.add(x, (ns - self._origin_ns) - x)

    def before(self, ticks: np.ndarray, ns: np.ndarray) -> None:
        """Take `host(ticks) <= ns`, (N,) int64 each."""
        x = (ticks - self._origin_ticks) * self._ns_per_tick
        self._upper.add(x, x - (ns - self._origin_ns))

    def forget(self) -> None:
        """Drop old bounds, so that a live fit does not grow."""
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
        is meaningless
        """
        x = (np.asarray(ticks, dtype=np.int64) - self._origin_ticks) * self._ns_per_tick
        low, high = self._lower.at(x, self._upper), -self._upper.at(x, self._lower)
        # 1: a rounding is no contradiction
        known = np.isfinite(low) & np.isfinite(high) & (low <= high + 1)
        low, high = np.where(known, low, 0), np.where(known, high, 0)
        time_ns = self._origin_ns + np.rint(x + (low + high) / 2).astype(np.int64)
        # + 1: time_ns is rounded
        return time_ns, np.where(known, np.ceil(np.abs(high - low) / 2) + 1, -1).astype(np.int64)
