"""What is known of a pulse at one frame: a heart rate, or the state that prevents one."""

from dataclasses import dataclass

from dataset.signals.pulse_quality import PulseReading

LOOKING, SETTLING, READING = "looking", "settling", "reading"
FACE_LOST, TWO_FACES, DARK, FROZEN, GAP = "face lost", "two faces", "dark", "frozen", "gap"
TOO_SLOW, NO_PULSE = "too slow", "no pulse"
STATES = (LOOKING, SETTLING, READING, FACE_LOST, TWO_FACES, DARK, FROZEN, GAP, TOO_SLOW, NO_PULSE)


@dataclass(frozen=True)
class LiveReading:
    """What is known at one frame."""

    time_s: float
    state: str                          # one of STATES
    words: str                          # the state for the person before the camera
    pulse: PulseReading | None = None   # only while READING

    @property
    def hr_bpm(self) -> float | None:
        """The heart rate [bpm]; None in every state but READING."""
        return None if self.pulse is None else self.pulse.hr_bpm

    def is_news_after(self, last: "LiveReading | None") -> bool:
        """Return whether the state or the heart rate was determined anew since `last`."""
        return (
            last is None
            or self.state != last.state
            or (self.pulse is not None and self.pulse is not last.pulse)
        )
