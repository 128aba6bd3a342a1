"""How the host's CLOCK_MONOTONIC is steered, against CLOCK_MONOTONIC_RAW, which is not."""

import numpy as np

_SLEW = 500e-6                  # the most by which the kernel lets NTP steer CLOCK_MONOTONIC


class ClockSteering:
    """The offset between the two clocks, from readings of both (CLOCK_DTYPE).

    Without readings the two are taken for one. Between two readings the offset is a straight line,
    unless the rate changed there: a rate that goes from a to b within T strays from the line by at
    most |b - a| T / 4, and a and b show in the steps beside it. The same holds for a reading whose
    two clocks were not read at once.
    """

    def __init__(self, readings: np.ndarray) -> None:
        self._monotonic_ns, self._raw_ns = readings["monotonic_ns"], readings["raw_ns"]
        self._offset_ns = self._monotonic_ns - self._raw_ns
        step = np.diff(self._monotonic_ns)
        change = np.abs(np.diff(np.diff(self._offset_ns) / step))
        self._stray_ns = (
            (np.pad(change, (1, 0)) + np.pad(change, (0, 1))) * step / 4 if len(step) else step
        )

    def _offset_at(self, at: np.ndarray, times: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return the offset at `at` [ns, on the clock of `times`], and how far it may be off."""
        if not len(times):
            return np.zeros_like(at), np.zeros_like(at)
        offset = np.rint(np.interp(at, times, self._offset_ns)).astype(np.int64)
        beyond = np.maximum(np.maximum(times[0] - at, at - times[-1]), 0)
        stray = _SLEW * beyond
        if len(times) > 1:
            step = np.clip(np.searchsorted(times, at) - 1, 0, len(times) - 2)
            stray = stray + self._stray_ns[step]
        return offset, np.ceil(stray).astype(np.int64)

    def to_raw(self, monotonic_ns: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return the earliest and the latest that CLOCK_MONOTONIC_RAW showed at these times."""
        offset, stray = self._offset_at(monotonic_ns, self._monotonic_ns)
        return monotonic_ns - offset - stray, monotonic_ns - offset + stray

    def to_monotonic(
        self, raw_ns: np.ndarray, bound_ns: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray]:
        """Return times and their bounds on CLOCK_MONOTONIC; a bound of -1 stays."""
        half = np.maximum(bound_ns, 0)
        (early, early_stray), (late, late_stray) = (
            self._offset_at(raw_ns + sign * half, self._raw_ns) for sign in (-1, 1)
        )
        low, high = raw_ns - half + early - early_stray, raw_ns + half + late + late_stray
        return (low + high) // 2, np.where(bound_ns >= 0, (high - low + 1) // 2, -1)
