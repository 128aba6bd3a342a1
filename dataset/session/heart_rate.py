"""The heart rate of a session by its PPG, where there is a finger."""

import math
from dataclasses import dataclass

import numpy as np

from acquire.errors import CurationError
from acquire.limits import FASTEST_HZ
from acquire.sensor.finger import FINGER_OFF, FLAT_LINE
from dataset.common.spans import is_inside, join_spans
from dataset.signals.align import BRIDGE_S, ppg_on_frames
from dataset.signals.filters import HIGH_HZ, WINDOW_S, min_samples
from dataset.signals.finger_rates import judge_together
from dataset.signals.pulse_rate import TOO_SHORT, TOO_SLOW, finger_rate

from .reader import Session


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


def mean_heart_rate(session: Session) -> float | None:
    """Return the mean heart rate [bpm] over 10 s windows side by side that have a finger.

    For whoever compares many sessions: ten times as fast as the sliding windows of
    `measure_ppg_rates`, and without a filter. A window with a hole in it is left out, too, and one
    in which the rate cannot be told; None where none is left. A session shorter than one window is
    one.
    """
    time_ns, without = session.ppg_time_ns, spans_without_finger(session)
    steps = np.diff(time_ns)
    if not len(steps) or (steps <= 0).any():
        return None
    t_s = (time_ns - time_ns[0]) / 1e9
    fs_hz = 1e9 / float(np.median(steps))
    span_s = min(WINDOW_S, float(t_s[-1]))
    count = round(span_s * fs_hz)
    if not 2 * HIGH_HZ < fs_hz <= FASTEST_HZ or count < min_samples(fs_hz):
        return None
    holes = np.flatnonzero(steps > max(BRIDGE_S * 1e9, 1.5e9 / fs_hz))
    unusable = np.array(join_spans([
        *without, *((int(time_ns[at]), int(time_ns[at + 1])) for at in holes)
    ]), np.int64).reshape(-1, 2)
    rates = []
    for at in np.unique(t_s // span_s).astype(int).tolist():         # windows with a sample
        first_ns, last_ns = (int(time_ns[0]) + round(s * span_s * 1e9) for s in (at, at + 1))
        before = np.searchsorted(unusable[:, 0], last_ns)            # that begin before its end
        if at + 1 > t_s[-1] / span_s or (before and unusable[before - 1, 1] > first_ns):
            continue
        even_s = at * span_s + np.arange(count) / fs_hz
        rates.append(finger_rate(np.interp(even_s, t_s, session.ppg), fs_hz))
    told = [rate.bpm for rate in judge_together(rates) if not rate.why_not]
    return math.fsum(told) / len(told) if told else None


def measure_ppg_rates(session: Session, without: list[tuple[int, int]]) -> PpgRates:
    """Measure sensor rate and heart rate, but in the spans `without` a finger [ns]."""
    time_ns = session.ppg_time_ns
    try:
        aligned = ppg_on_frames(session.ppg, time_ns, session.ppg_sequence, time_ns)
    except CurationError:
        steps = np.diff(time_ns)
        median_ns = float(np.median(steps)) if len(steps) else 0.0
        rate_hz = 1e9 / median_ns if median_ns > 0 else 0.0
        why_not = TOO_SLOW if 0 < rate_hz <= 2 * HIGH_HZ else TOO_SHORT
        return PpgRates(rate_hz, None, 0.0, why_not)
    rate_hz = aligned.fs_hz
    if without:
        on = ~is_inside(time_ns, without)
        try:
            aligned = ppg_on_frames(
                session.ppg[on], time_ns[on], session.ppg_sequence[on], time_ns[on]
            )
        except CurationError:                      # nowhere long enough
            return PpgRates(rate_hz, None, 0.0, TOO_SHORT)
    rates = aligned.hr_bpm[np.isfinite(aligned.hr_bpm)]
    return PpgRates(
        rate_hz, float(rates.mean()) if len(rates) else None, 100 * len(rates) / len(time_ns),
        aligned.why_no_rate,
    )
