"""Detect from the samples as they come whether a finger is on the sensor, within two seconds.

A pulse is a smooth wave of some height: every window of 1.4 s, the longest beat there is, holds
most of one. Three things that a finger never does for that long identify what is not a pulse. The
signal stands still (`flat_line`: the sensor, or its pin, is unplugged). Its height falls to a tenth
of what it was, or to nothing (`finger_off`: a lifted finger leaves ambient light and noise). It
jumps from sample to sample (`finger_off` too): the variance of the steps against the variance of
the trace is about 0.3 in a pulse at 25 Hz, at most 1 in a bad one, and 2 in noise. A straight line
is removed first, so that light which rises or falls has no effect. Readings at the end of the scale
are `clipped`.

A state begins when the window before it was bad throughout, and its time is that window's start. It
ends when 1.5 s were good, or with the last sample before a gap, since nothing is known of the time
when the line was away. Rates above 25 Hz are averaged down to it, which also removes the mains hum
at 50 and 100 Hz.
"""

from collections import deque
from dataclasses import dataclass

import numpy as np

from .protocol import SAMPLE_CLIPPED, SENSOR_ANALOG, SENSOR_MAX30102

FINGER_OFF, FLAT_LINE, CLIPPED = "finger_off", "flat_line", "clipped"
ANALOG_BITS = 16                   # a sensor with more measures light itself, as a MAX30102 does
_GRID_HZ = 25
_WINDOW = 35                       # on that grid: 1.4 s, a beat at 43 bpm
_CHECK_EVERY = 2                   # on that grid: 0.08 s
_GOOD_CHECKS = 19                  # 1.5 s of them end a state: a step stays in the window for 1.4 s
_FLAT = 16                         # peak to peak: a quarter step of a 10-bit converter
# The least height of a pulse, of 65535. An amplified analog sensor gives thousands, and a few
# hundred of noise without a finger; a MAX30102's pulse is 0.5 to 2 % of its light.
_LEAST_HEIGHT = {SENSOR_ANALOG: 400.0, SENSOR_MAX30102: 40.0}
_LEAST_SHARE = {SENSOR_MAX30102: 0.0015}    # of the light, where that is less: beats differ
_DARK = {SENSOR_MAX30102: 0.05 * 65535}     # below it no finger returns that sensor's own light
_SHARE_OF_USUAL = 0.1              # height, against the usual height
_ROUGH = 1.3                       # variance of the steps over that of the trace
_END_MARGIN = 1.5                  # how much better than the limit ends a state
_USUAL_CHECKS = 125                # checks that the usual height is averaged over: 10 s
_CLIPPED_SAMPLES = 2               # in a window


@dataclass(frozen=True)
class StateChange:
    """A state that began or ended; becomes an event."""

    time_ns: int
    kind: str         # FINGER_OFF, FLAT_LINE or CLIPPED
    text: str         # "begins", or "ends after 3.4 s"


class FingerWatch:
    """Watch the samples of one recording; return where a state begins or ends."""

    def __init__(self, rate_hz: int, *, sensor: int = SENSOR_ANALOG) -> None:
        self._block = max(1, round(rate_hz / _GRID_HZ))
        self._set_sensor(sensor)
        self._part: list[tuple[float, int, int]] = []
        self._values: deque[float] = deque(maxlen=_WINDOW)
        self._clipped: deque[int] = deque(maxlen=_WINDOW)
        self._times_ns: deque[int] = deque(maxlen=_WINDOW)
        self._sequence = -1
        self._last_ns = 0                          # time of that sample
        self._grid_samples = 0
        self._usual_height = 0.0                   # height of the pulse, slowly averaged
        self._since_ns: dict[str, int] = {}        # states that hold, and since when
        self._good: dict[str, int] = {}            # good checks in a row of a state that holds
        self._good_since_ns: dict[str, int] = {}   # time of the first of them
        self._past_ns: dict[str, int] = dict.fromkeys((FINGER_OFF, FLAT_LINE, CLIPPED), 0)
        line = np.arange(_WINDOW) - (_WINDOW - 1) / 2
        self._line = line / np.sqrt((line**2).sum())

    def _set_sensor(self, sensor: int) -> None:
        self._least_height = _LEAST_HEIGHT.get(sensor, _LEAST_HEIGHT[SENSOR_ANALOG])
        self._least_share = _LEAST_SHARE.get(sensor)
        self._dark = _DARK.get(sensor, -1.0)

    def rescale(self, gain: float, offset: float, *, sensor: int) -> None:
        """Go on with a wider scale: `gain` times the values before, plus `offset`; none clipped."""
        self._set_sensor(sensor)
        self._part = [(value * gain + offset, 0, time_ns) for value, _, time_ns in self._part]
        self._clipped = deque((False for _ in self._clipped), _WINDOW)
        self._values = deque((value * gain + offset for value in self._values), _WINDOW)
        self._usual_height *= gain

    @property
    def states(self) -> dict[str, int]:
        """States that hold now, and since when [ns]."""
        return dict(self._since_ns)

    def seconds(self, *kinds: str) -> float:
        """Return how long these states have held together, up to the last sample [s]."""
        now_ns = self._times_ns[-1] if self._times_ns else 0
        open_ns = sum(
            max(0, now_ns - self._since_ns[kind]) for kind in kinds if kind in self._since_ns
        )
        return (open_ns + sum(self._past_ns[kind] for kind in kinds)) / 1e9

    def add(self, sequence: int, value: int, flags: int, time_ns: int) -> list[StateChange]:
        """Take the next sample; return the changes of state that it shows.

        A gap of more than a fifth of a second ends all states and begins a new window.
        """
        changes = []
        if self._sequence >= 0 and sequence - self._sequence > max(1, self._block * _GRID_HZ // 5):
            self._part.clear()
            for window in (self._values, self._clipped, self._times_ns):
                window.clear()
            changes = [self._end(kind, self._last_ns) for kind in list(self._since_ns)]
        self._sequence, self._last_ns = sequence, time_ns
        self._part.append((value, flags & SAMPLE_CLIPPED, time_ns))
        if len(self._part) < self._block:
            return changes
        self._values.append(sum(v for v, _, _ in self._part) / self._block)
        self._clipped.append(any(c for _, c, _ in self._part))
        self._times_ns.append(time_ns)
        self._part.clear()
        self._grid_samples += 1
        if len(self._values) < _WINDOW or self._grid_samples % _CHECK_EVERY:
            return changes
        return changes + self._check_window()

    def _check_window(self) -> list[StateChange]:
        values = np.fromiter(self._values, float, _WINDOW)
        centred = values - values.mean()
        detrended = centred - (centred @ self._line) * self._line
        height, level = float(np.ptp(detrended)), float(values.mean())
        roughness = float((np.diff(detrended) ** 2).mean() / max((detrended**2).mean(), 1e-9))
        span = float(np.ptp(values))
        least_height = self._least_height
        if self._least_share is not None:
            least_height = max(_FLAT, min(least_height, self._least_share * level))

        def is_off(margin: float) -> bool:
            least = max(least_height, _SHARE_OF_USUAL * self._usual_height) * margin
            return height < least or roughness > _ROUGH / margin or level < self._dark * margin

        if not is_off(1.0) and not self._since_ns.keys() & {FINGER_OFF, FLAT_LINE}:
            checks = min(_USUAL_CHECKS, self._grid_samples)
            self._usual_height += (height - self._usual_height) / checks
        changes = self._update(FLAT_LINE, begins=span < _FLAT, holds=span < _FLAT * _END_MARGIN)
        if FLAT_LINE not in self._since_ns:
            # a signal that has just become flat will be a flat line: wait for that
            flattens = np.ptp(values[-_WINDOW // 3:]) < _FLAT
            changes += self._update(
                FINGER_OFF, begins=is_off(1.0) and not flattens, holds=is_off(_END_MARGIN)
            )
        elif FINGER_OFF in self._since_ns:         # the flat line is the more precise statement
            changes.append(self._end(FINGER_OFF, self._since_ns[FLAT_LINE]))
        clipped = sum(self._clipped)
        return changes + self._update(
            CLIPPED, begins=clipped >= _CLIPPED_SAMPLES, holds=clipped > 0
        )

    def _update(self, kind: str, *, begins: bool, holds: bool) -> list[StateChange]:
        """Begin a state, keep it, or end it once the signal was good for long enough."""
        if kind not in self._since_ns:
            if not begins:
                return []
            self._since_ns[kind] = self._times_ns[0]
            self._good[kind] = 0
            return [StateChange(self._times_ns[0], kind, "begins")]
        if holds:
            self._good[kind] = 0
            return []
        self._good[kind] += 1
        if self._good[kind] == 1:
            self._good_since_ns[kind] = self._times_ns[-1]
        if self._good[kind] < _GOOD_CHECKS:
            return []
        return [self._end(kind, self._good_since_ns[kind])]

    def _end(self, kind: str, time_ns: int) -> StateChange:
        lasted_ns = max(0, time_ns - self._since_ns.pop(kind))
        self._past_ns[kind] += lasted_ns
        return StateChange(time_ns, kind, f"ends after {lasted_ns / 1e9:.1f} s")
