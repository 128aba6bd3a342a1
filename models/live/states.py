"""What is known of a pulse at one frame: a heart rate, or the state that prevents one."""

from dataclasses import dataclass, replace

from dataset.signals.filters import HIGH_HZ, LEAST_FS_HZ, highest_hz
from models.fusion.fuse import GREY, FusedRate
from models.fusion.fuse import TOO_SLOW as FRAMES_TOO_SLOW

LOOKING, SETTLING, READING = "looking", "settling", "reading"
FACE_LOST, TWO_FACES, DARK, FROZEN, GAP = "face lost", "two faces", "dark", "frozen", "gap"
ANOTHER_FACE, TOO_SLOW, NO_PULSE = "another face", "too slow", "no pulse"
STATES = (
    LOOKING, SETTLING, READING, FACE_LOST, ANOTHER_FACE, TWO_FACES, DARK, FROZEN, GAP, TOO_SLOW,
    NO_PULSE,
)


@dataclass(frozen=True)
class LiveReading:
    """What is known at one frame."""

    time_s: float
    state: str                          # one of STATES
    words: str                          # the state for the person before the camera
    reason: str = ""                    # why it began, where the state does not tell
    rate: FusedRate | None = None       # of a window that was read, with a heart rate or without

    @property
    def hr_bpm(self) -> float | None:
        """The heart rate [bpm]; None in every state but READING."""
        return None if self.rate is None else self.rate.bpm

    @property
    def quality(self) -> str | None:
        """The word for the heart rate, `pulse_quality.GOOD` or FAIR; None without one."""
        return None if self.rate is None or self.rate.bpm is None else self.rate.quality

    def is_state_of(self, last: "LiveReading") -> bool:
        """Return whether the state is that of `last`, begun for the same reason."""
        return self.state == last.state and self.reason == last.reason

    def is_news_after(self, last: "LiveReading | None") -> bool:
        """Return whether the state or the heart rate was determined anew since `last`."""
        return (
            last is None
            or not self.is_state_of(last)
            or (self.rate is not None and self.rate is not last.rate)
        )


def reading_of(rate: FusedRate, time_s: float, *, is_over: bool = False) -> LiveReading:
    """Return what the rate of a window means, for the person before the camera or when it is over.
    """
    if rate.bpm is not None:
        words = f"{rate.quality} pulse" + (f"; {rate.extrapolated}" if rate.extrapolated else "")
        if (high_hz := highest_hz(rate.fs_hz)) < HIGH_HZ:
            words += f"; {rate.fs_hz:.1f} frames/s do not show rates above {60 * high_hz:.0f} bpm"
        return LiveReading(time_s, READING, words, rate=rate)
    if rate.why_not == FRAMES_TOO_SLOW:
        return LiveReading(time_s, TOO_SLOW, words_of_too_slow(rate.fs_hz), rate=rate)
    words = f"cannot be told; {rate.why_not}"
    if not is_over and rate.why_not != GREY:
        words += "; sit still, with light from the front"
    return LiveReading(time_s, NO_PULSE, words, rate=rate)


def words_of_too_slow(fs_hz: float) -> str:
    """Return in words that too few frames come for a heart rate."""
    return f"{fs_hz:.1f} frames/s: a heart rate needs more than {LEAST_FS_HZ:g}"


class Interruptions:
    """What each interruption of a reading cost: told with the first heart rate after it."""

    def __init__(self) -> None:
        self._last: LiveReading | None = None      # the last heart rate
        self._why = ""                             # there has been none since
        self._since_s = 0.0

    def tell(self, reading: LiveReading) -> LiveReading:
        """Take each reading in turn; return it, with the seconds without a heart rate before it."""
        if self._last is None or reading.state == READING:
            is_back = reading.state == READING and bool(self._why)
            if is_back:
                seconds = reading.time_s - self._since_s
                cost = f"after {seconds:.0f} s without a heart rate: {self._why}"
                reading = replace(reading, words=f"{reading.words}; {cost}")
            if reading.state == READING:
                self._last, self._why = reading, ""
            return reading
        if not self._why:
            self._why, self._since_s = reading.reason or reading.state, self._last.time_s
        return reading
