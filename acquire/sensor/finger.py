"""Is there a finger on the sensor? Told from the samples as they come, within two seconds.

A pulse is a smooth wave of some height: every window of 1.4 s, the longest beat there is, holds
most of one. What is no pulse is told by three things that a finger never does for as long as that.
It does not stand still (`flat_line`: a sensor unplugged, or its pin). Its height does not fall to a
tenth of what it was, nor to nothing (`finger_off`: a lifted finger leaves ambient light and noise).
And it does not jump from sample to sample: the variance of the steps against the variance of the
trace is about 0.3 in a pulse at 25 Hz, at most 1 in a bad one, and 2 in noise (`finger_off` too). A
straight line is taken out first, so that light which rises or falls says nothing. Readings at the
end of the scale are `clipped`.

A state begins when the window before it was bad throughout, and its time is that window's start; it
ends when 1.5 s were good, or with the last sample before a gap: of the time that the line was away
nothing is known. Rates above 25 Hz are averaged down to it, which removes the hum of the mains at
50 and 100 Hz as well.
"""

from collections import deque
from dataclasses import dataclass

import numpy as np

from .protocol import SAMPLE_CLIPPED, SENSOR_ANALOG, SENSOR_MAX30102

FINGER_OFF, FLAT_LINE, CLIPPED = "finger_off", "flat_line", "clipped"
_GRID_HZ = 25
_WINDOW = 35                       # on that grid: 1.4 s, a beat at 43 bpm
_LOOK_EVERY = 2                    # on that grid: 0.08 s
_GOOD_LOOKS = 19  # 1.5 s of them end a state: a single step stays in the window for 1.4 s
_FLAT = 16                         # peak to peak: a quarter step of a 10-bit converter
# The least height of a pulse, of 65535. An amplified analog sensor gives thousands, and a few
# hundred of noise without a finger; a MAX30102's pulse is 0.5 to 2 % of its light.
_LEAST = {SENSOR_ANALOG: 400.0, SENSOR_MAX30102: 40.0}
_DARK = {SENSOR_MAX30102: 0.05 * 65535}     # below it no finger returns that sensor's own light
_SHARE = 0.1                       # of the usual height
_ROUGH = 1.3                       # variance of the steps over that of the trace
_SURELY = 1.5                      # how much better than "just good" ends a state
_USUAL_LOOKS = 125                 # looks that the usual height is averaged over: 10 s
_CLIPPED_SAMPLES = 2               # in a window


@dataclass(frozen=True)
class StateChange:
    """A state that began or ended; becomes an event."""

    time_ns: int
    kind: str         # FINGER_OFF, FLAT_LINE or CLIPPED
    text: str         # "begins", or "ends after 3.4 s"


class FingerWatch:
    """Watch the samples of one recording; give a note when something begins or ends."""

    def __init__(self, rate_hz: int, *, sensor: int = SENSOR_ANALOG) -> None:
        self._block = max(1, round(rate_hz / _GRID_HZ))
        self._least = _LEAST.get(sensor, _LEAST[SENSOR_ANALOG])
        self._dark = _DARK.get(sensor, -1.0)
        self._part: list[tuple[int, int, int]] = []
        self._values: deque[float] = deque(maxlen=_WINDOW)
        self._clipped: deque[int] = deque(maxlen=_WINDOW)
        self._times_ns: deque[int] = deque(maxlen=_WINDOW)
        self._sequence = -1
        self._last_ns = 0                          # time of that sample
        self._looks = 0
        self._usual = 0.0                          # height of the pulse, slowly averaged
        self._since_ns: dict[str, int] = {}        # states that hold, and since when
        self._good: dict[str, int] = {}            # looks in a row that would end one, and
        self._good_ns: dict[str, int] = {}         # the time of the first of them
        self._past_ns: dict[str, int] = dict.fromkeys((FINGER_OFF, FLAT_LINE, CLIPPED), 0)
        line = np.arange(_WINDOW) - (_WINDOW - 1) / 2
        self._line = line / np.sqrt((line**2).sum())

    @property
    def states(self) -> dict[str, int]:
        """States that hold now, and since when [ns]."""
        return dict(self._since_ns)

    def seconds(self, *kinds: str) -> float:
        """Give how long these states have held together, up to the last sample [s]."""
        now_ns = self._times_ns[-1] if self._times_ns else 0
        open_ns = sum(
            max(0, now_ns - self._since_ns[kind]) for kind in kinds if kind in self._since_ns
        )
        return (open_ns + sum(self._past_ns[kind] for kind in kinds)) / 1e9

    def see(self, sequence: int, value: int, flags: int, time_ns: int) -> list[StateChange]:
        """Take the next sample; a gap of more than a fifth of a second ends what held and starts a
        new window.
        """
        notes = []
        if self._sequence >= 0 and sequence - self._sequence > max(1, self._block * _GRID_HZ // 5):
            self._part.clear()
            for kept in (self._values, self._clipped, self._times_ns):
                kept.clear()
            notes = [self._end(kind, self._last_ns) for kind in list(self._since_ns)]
        self._sequence, self._last_ns = sequence, time_ns
        self._part.append((value, flags & SAMPLE_CLIPPED, time_ns))
        if len(self._part) < self._block:
            return notes
        self._values.append(sum(v for v, _, _ in self._part) / self._block)
        self._clipped.append(any(c for _, c, _ in self._part))
        self._times_ns.append(time_ns)
        self._part.clear()
        self._looks += 1
        if len(self._values) < _WINDOW or self._looks % _LOOK_EVERY:
            return notes
        return notes + self._look()

    def _look(self) -> list[StateChange]:
        values = np.fromiter(self._values, float, _WINDOW)
        centred = values - values.mean()
        rest = centred - (centred @ self._line) * self._line
        height, level = float(np.ptp(rest)), float(values.mean())
        rough = float((np.diff(rest) ** 2).mean() / max((rest**2).mean(), 1e-9))
        flat = float(np.ptp(values))

        def off(margin: float) -> bool:
            least = max(self._least, _SHARE * self._usual) * margin
            return height < least or rough > _ROUGH / margin or level < self._dark * margin

        if not off(1.0) and FINGER_OFF not in self._since_ns and FLAT_LINE not in self._since_ns:
            self._usual += (height - self._usual) / min(_USUAL_LOOKS, self._looks)
        notes = self._step(FLAT_LINE, begins=flat < _FLAT, holds=flat < _FLAT * _SURELY)
        if FLAT_LINE not in self._since_ns:
            # wait for what it will be called then
            flattens = np.ptp(values[-_WINDOW // 3:]) < _FLAT
            notes += self._step(FINGER_OFF, begins=off(1.0) and not flattens, holds=off(_SURELY))
        elif FINGER_OFF in self._since_ns:         # the flat line says more
            notes.append(self._end(FINGER_OFF, self._since_ns[FLAT_LINE]))
        clipped = sum(self._clipped)
        return notes + self._step(CLIPPED, begins=clipped >= _CLIPPED_SAMPLES, holds=clipped > 0)

    def _step(self, kind: str, *, begins: bool, holds: bool) -> list[StateChange]:
        """Begin a state, keep it, or end it once it was good for long enough."""
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
            self._good_ns[kind] = self._times_ns[-1]
        return [self._end(kind, self._good_ns[kind])] if self._good[kind] >= _GOOD_LOOKS else []

    def _end(self, kind: str, time_ns: int) -> StateChange:
        lasted_ns = max(0, time_ns - self._since_ns.pop(kind))
        self._past_ns[kind] += lasted_ns
        return StateChange(time_ns, kind, f"ends after {lasted_ns / 1e9:.1f} s")
