"""The heart rate variability and the breathing of a session's finger, and what they leave out.

Intervals are counted within unbroken stretches only: no sample is missing in them, there is a
finger, its rate can be told, and the sensor is within its scale. An interval unlike the ones around
it is no normal beat's (an early beat, or one that was missed) and is left out, and so is the change
to it. Nothing is filled in. What was left out is counted beside the figures.

SDNN, RMSSD, pNN50 and the mean interval are those of the Task Force of the ESC and NASPE, "Heart
rate variability", Circulation 93, 1043, 1996, computed by NeuroKit2. The Task Force asks for five
minutes; a minute is the least for which anything is told here. They are a finger's: the time from
the heart to the finger varies with each beat, too, so that an ECG's may be a little smaller.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from acquire.errors import apart
from acquire.sensor.protocol import SAMPLE_CLIPPED
from dataset.common.spans import true_runs
from dataset.session.heart_rate import rates_at_samples
from dataset.session.reader import Session

from .beats import SHORTEST_S, Beats, find_beats
from .breathing import breathing_rate
from .neurokit import load_neurokit

LEAST_S = 60.0            # of intervals, for any figure
STANDARD_S = 290.0        # of a short-term recording of five minutes, without its ends
MOST_UNLIKE = 0.1         # share of the intervals; with more the beats are not found, or not normal
_UNLIKE = 0.3             # relative difference from the median of the intervals around
_AROUND = 5               # intervals on either side
_RATES_AGREE = 0.06       # relative difference of the beats' rate and the spectrum's
_FIGURES = ("MeanNN", "SDNN", "RMSSD", "pNN50")        # as NeuroKit2 names them

LOST, UNTOLD = "samples were lost", "no pulse that can be told"
CLIPPED = "beyond the sensor's scale"
PIECES = f"stretches shorter than {SHORTEST_S:.0f} s between these"


@dataclass(frozen=True)
class Variability:
    """What a finger's beats show; a figure that cannot be told is None."""

    intervals: int                    # that count
    used_s: float                     # the sum of these
    mean_nn_ms: float | None
    sdnn_ms: float | None
    rmssd_ms: float | None
    pnn50_percent: float | None
    why_not: str                      # "" where these are told
    breaths_per_min: float | None
    breaths_why_not: str              # "" where that is told
    left_out_s: dict[str, float]      # seconds without beats, by cause
    unlike: int                       # intervals left out: unlike those around


@dataclass(frozen=True)
class _Intervals:
    """The intervals of all stretches, one after another."""

    ms: np.ndarray              # (I,)
    end_s: np.ndarray           # (I,)
    is_normal: np.ndarray       # (I,) bool


def read_variability(path: Path) -> Variability:
    """Measure the variability and the breathing of a session's file.

    Raises
    ------
    SessionError : it cannot be read
    """
    with Session(path) as session:
        return measure_variability(session)


def measure_variability(session: Session) -> Variability:
    """Measure the finger's variability and breathing over a session."""
    stretches, left_out_s, rate_bpm = _stretches(session)
    intervals = _intervals(stretches)
    normal, unlike = intervals.is_normal, int((~intervals.is_normal).sum())
    used_s = float(intervals.ms[normal].sum()) / 1e3
    figures: dict[str, float] = {}
    if not (why_not := _why_not(intervals, used_s, rate_bpm)):
        table = load_neurokit().hrv_time(
            {"RRI": intervals.ms[normal], "RRI_Time": intervals.end_s[normal]}
        )
        figures = {name: float(table[f"HRV_{name}"].iloc[0]) for name in _FIGURES}
    breaths, breaths_why_not = (None, why_not) if why_not else breathing_rate(stretches)
    mean_nn, sdnn, rmssd, pnn50 = (figures.get(name) for name in _FIGURES)
    return Variability(
        int(normal.sum()), used_s, mean_nn, sdnn, rmssd, pnn50, why_not, breaths,
        breaths_why_not, left_out_s, unlike,
    )


def _stretches(session: Session) -> tuple[list[Beats], dict[str, float], float]:
    """Return the beats of each unbroken stretch, the seconds left out by cause, and the rate."""
    t_s = (session.ppg_time_ns - session.started_monotonic_ns) / 1e9
    rates_bpm = rates_at_samples(session)
    is_told, is_whole = np.isfinite(rates_bpm), (session.ppg_flags & SAMPLE_CLIPPED) == 0
    values = session.ppg_values
    # a step belongs to the sample before it
    step_s = np.diff(t_s, append=t_s[-1:])
    is_lost = np.diff(session.ppg_sequence, append=session.ppg_sequence[-1:] + 1) != 1
    left_out_s = {
        LOST: float(step_s[is_lost].sum()),
        UNTOLD: float(step_s[~is_told & ~is_lost].sum()),
        CLIPPED: float(step_s[~is_whole & is_told & ~is_lost].sum()),
    }
    stretches, short_s = [], 0.0
    for run in true_runs(is_told & is_whole & np.isfinite(values)):
        cuts = [at + 1 for at in run[:-1] if is_lost[at]]
        for first, stop in zip([run.start, *cuts], [*cuts, run.stop], strict=True):
            piece = slice(first, stop)
            length_s = float(t_s[stop - 1] - t_s[first])
            if length_s < SHORTEST_S:
                short_s += length_s
            else:
                stretches.append(find_beats(values[piece], t_s[piece]))
    left_out_s[PIECES] = short_s
    rate_bpm = float(rates_bpm[is_told].mean()) if is_told.any() else np.nan
    return stretches, {cause: s for cause, s in left_out_s.items() if s > 0}, rate_bpm


def _intervals(stretches: list[Beats]) -> _Intervals:
    """Return the intervals within each stretch, and which are like those around them."""
    lengths_ms = [np.diff(beats.t_s) * 1e3 for beats in stretches]
    normal = [_is_normal(each_ms) for each_ms in lengths_ms]
    return _Intervals(
        np.concatenate([np.empty(0), *lengths_ms]),
        np.concatenate([np.empty(0), *(beats.t_s[1:] for beats in stretches)]),
        np.concatenate([np.empty(0, bool), *normal]),
    )


def _is_normal(lengths_ms: np.ndarray) -> np.ndarray:
    """Return which intervals differ little from the median of those around, (I,) bool."""
    if not len(lengths_ms):
        return np.empty(0, bool)
    padded = np.pad(lengths_ms, _AROUND, mode="reflect" if len(lengths_ms) > _AROUND else "edge")
    around = np.lib.stride_tricks.sliding_window_view(padded, 2 * _AROUND + 1)
    return np.abs(lengths_ms / np.median(around, axis=1) - 1) <= _UNLIKE


def _why_not(intervals: _Intervals, used_s: float, rate_bpm: float) -> str:
    """Return why nothing can be told; "" where it can."""
    if used_s < LEAST_S:
        return f"too short: {apart(used_s, LEAST_S, digits=0)} s of beats, {LEAST_S:.0f} are needed"
    share = float((~intervals.is_normal).mean())
    if share > MOST_UNLIKE:
        return f"{100 * share:.0f} % of the intervals are unlike those around them"
    beats_bpm = 60e3 / float(intervals.ms[intervals.is_normal].mean())
    if abs(beats_bpm / rate_bpm - 1) > _RATES_AGREE:
        return f"the beats found make {beats_bpm:.0f} bpm, and the spectrum {rate_bpm:.0f}"
    return ""
