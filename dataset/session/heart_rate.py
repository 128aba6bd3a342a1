"""The heart rate of a session by its PPG, where there is a finger."""

from dataclasses import dataclass

import numpy as np

from acquire.errors import CurationError
from acquire.sensor.finger import FINGER_OFF, FLAT_LINE
from dataset.common.spans import is_inside, join_spans
from dataset.signals.align import AlignedPpg, ppg_on_frames
from dataset.signals.filters import HIGH_HZ
from dataset.signals.pulse_rate import TOO_SHORT, TOO_SLOW

from .reader import Session, rises

NOT_RISING = "sample times that stand still or go back"


@dataclass(frozen=True)
class PpgRates:
    """The rates of a session's PPG."""

    rate_hz: float              # of the sensor, by the session's clock; lost samples do not count
    # mean over sliding 10 s windows in which the finger's rate can be told; None: in none
    hr_bpm: float | None
    told_percent: float         # share of the samples at which it can be told
    why_not: str                # the commonest reason elsewhere; "" where there is none


def spans_without_finger(session: Session) -> list[tuple[int, int]]:
    """Return from when to when [ns] there was no finger, in order and apart.

    A span that has no end in the events lasts until the last sample.
    """
    spans: list[tuple[int, int]] = []
    since: dict[str, int] = {}
    for event in session.events:
        if event.kind not in (FINGER_OFF, FLAT_LINE):
            continue
        if event.text == "begins":
            since.setdefault(event.kind, event.time_ns)
        elif event.kind in since:
            spans.append((since.pop(event.kind), event.time_ns))
    if len(session.ppg_time_ns):
        spans += [(first, int(session.ppg_time_ns[-1])) for first in since.values()]
    return [
        (int(first), int(last))
        for first, last in join_spans(span for span in spans if span[0] < span[1])
    ]


def measure_ppg_rates(session: Session) -> PpgRates:
    """Measure sensor rate and heart rate, the latter where there is a finger.

    Whoever shows a session's rate takes it from here, so that all show the same.
    """
    time_ns, without = session.ppg_time_ns, spans_without_finger(session)
    try:
        aligned = _aligned(session, np.full(len(time_ns), True))
    except CurationError:
        steps = np.diff(time_ns)
        median_ns = float(np.median(steps)) if len(steps) else 0.0
        rate_hz = 1e9 / median_ns if median_ns > 0 else 0.0
        why_not = TOO_SLOW if 0 < rate_hz <= 2 * HIGH_HZ else TOO_SHORT
        why_not = why_not if rises(time_ns) else NOT_RISING
        return PpgRates(rate_hz, None, 0.0, why_not)
    rate_hz = aligned.fs_hz
    if without:
        try:
            aligned = _aligned(session, ~is_inside(time_ns, without))
        except CurationError:                      # nowhere long enough
            return PpgRates(rate_hz, None, 0.0, TOO_SHORT)
    rates = aligned.hr_bpm[np.isfinite(aligned.hr_bpm)]
    return PpgRates(
        rate_hz, float(rates.mean()) if len(rates) else None, 100 * len(rates) / len(time_ns),
        aligned.why_no_rate,
    )


def rates_at_samples(session: Session) -> np.ndarray:
    """Return the finger's heart rate at each sample [bpm], (S,); NaN where it cannot be told."""
    on = ~is_inside(session.ppg_time_ns, spans_without_finger(session))
    rates_bpm = np.full(len(on), np.nan)
    try:
        rates_bpm[on] = _aligned(session, on).hr_bpm
    except CurationError:
        return np.full(len(on), np.nan)
    return rates_bpm


def _aligned(session: Session, on: np.ndarray) -> AlignedPpg:
    """Return the PPG at its own samples, of those alone that are `on`, (S,) bool.

    Raises
    ------
    CurationError : nowhere long enough, too slow, or times that do not rise
    """
    time_ns = session.ppg_time_ns[on]
    return ppg_on_frames(
        session.ppg[on], time_ns, session.ppg_sequence[on], time_ns, filtered=False
    )
