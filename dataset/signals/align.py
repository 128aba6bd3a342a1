"""PPG onto frame times, by time stamps alone.

The sensor's samples are evenly spaced on its own clock and nearly so on the host's; a filter wants
exactly even spacing, and frames come when the camera pleases. So each unbroken run of samples is
interpolated onto a uniform grid at the sensor's rate that is laid through its true times, filtered
there without phase shift, and read out at each frame's own time. `index / fps` appears nowhere.

Both interpolations are splines of degree 9. A cardinal spline of degree k errs by about 2 (f / (fs
- f))^(k+1) of a tone of f Hz: for 4 Hz, the top of the pulse band, sampled at 25 Hz that is 3e-3
for the usual cubic and 1e-7 here. What is left at the ends of a run is the filter's: it knows one
side only there, and its edge is still worth 6e-3 of amplitude 2 s from the end.

A hole is a jump in the sensor's sequence. No value is ever given for a frame inside one. A hole of
up to `BRIDGE_S` does not end the run, though: for the filter's sake only it is crossed by a
straight line, which disturbs the neighbours less than two filter ends would. Longer holes end the
run, and runs too short to filter are holes, too.
"""

from dataclasses import dataclass

import numpy as np
from scipy.interpolate import make_interp_spline

from acquire.errors import CurationError

from .filters import HIGH_HZ, LOW_HZ, bandpass, shortest, sliding_heart_rate

BRIDGE_S = 0.25
SPLINE_DEGREE = 9

COVERED, BEFORE, AFTER, HOLE = 0, 1, 2, 3
WHY_NOT = {
    BEFORE: "before the first usable sample", AFTER: "after the last usable sample",
    HOLE: "samples were lost",
}


@dataclass(frozen=True)
class AlignedPpg:
    """One PPG value per frame, where there is one."""

    ppg: np.ndarray        # (N,) float64, units of the input; NaN where not covered
    hr_bpm: np.ndarray     # (N,) float64, sliding 10 s windows; NaN where not covered
    cover: np.ndarray      # (N,) uint8: COVERED, or why not
    fs_hz: float           # the sensor's rate by the session's clock

    @property
    def covered(self) -> np.ndarray:
        """(N,) bool: the frame has a PPG value."""
        return self.cover == COVERED


def ppg_on_frames(
    ppg: np.ndarray,
    time_ns: np.ndarray,
    sequence: np.ndarray,
    frame_time_ns: np.ndarray,
    *,
    filtered: bool = True,
) -> AlignedPpg:
    """Band-pass a PPG trace over its whole length and give its value at each frame.

    Parameters
    ----------
    ppg : (S,) array
    time_ns : (S,) int64, when each sample was taken, rising
    sequence : (S,) int64, the sensor's counter; a jump is a hole
    frame_time_ns : (N,) int64, rising
    filtered : False leaves the trace as the sensor gave it

    Raises
    ------
    CurationError : times do not rise, or no run of samples is long enough for the filter
    """
    ppg = np.asarray(ppg, np.float64)
    check_rising(time_ns, "sample")
    check_rising(frame_time_ns, "frame")
    if len(ppg) < 2:
        raise CurationError(f"expected PPG samples, found {len(ppg)}")
    zero_ns = int(time_ns[0])
    t_s, frame_s = (time_ns - zero_ns) / 1e9, (frame_time_ns - zero_ns) / 1e9
    gap_s, steps = np.diff(t_s), np.diff(sequence)
    period_s = float(np.median(gap_s[steps == 1] if (steps == 1).any() else gap_s))
    if 1 / period_s <= 2 * HIGH_HZ:
        raise CurationError(
            f"expected PPG at more than {2 * HIGH_HZ:g} Hz, found {1 / period_s:.1f} Hz; too slow "
            "for the band"
        )
    # The counter says what is missing, not the gap in time: stamps may jitter. Where it started
    # again, time has to tell.
    steps = np.where(steps < 1, np.maximum(np.round(gap_s / period_s), 2), steps).astype(np.int64)
    holes = (steps > 1) | (gap_s > BRIDGE_S)
    place = np.concatenate([[0], np.cumsum(steps)])
    # the second: a counter gone wild
    cuts = np.flatnonzero((gap_s > BRIDGE_S) | (steps > 2 * BRIDGE_S / period_s)) + 1

    out = np.full(len(frame_s), np.nan)
    hr_bpm = np.full(len(frame_s), np.nan)
    rates = []
    for run in np.split(np.arange(len(ppg)), cuts):
        if len(run) <= SPLINE_DEGREE:
            continue
        count = int(place[run[-1]] - place[run[0]]) + 1
        fs_hz = float((count - 1) / (t_s[run[-1]] - t_s[run[0]]))
        if fs_hz <= 2 * HIGH_HZ or count < shortest(fs_hz):
            continue
        inside = (frame_s >= t_s[run[0]]) & (frame_s <= t_s[run[-1]])
        even = _on_grid(t_s[run], ppg[run], place[run] - place[run[0]], fs_hz)
        pulse = bandpass(even, fs_hz)
        if np.ptp(ppg[run]) == 0:
            # what is left of a flat trace is rounding, which has a spectral peak as well
            pulse[:] = 0
        read = make_interp_spline(
            np.arange(len(even)), pulse if filtered else even, k=SPLINE_DEGREE
        )
        out[inside] = read((frame_s[inside] - t_s[run[0]]) * fs_hz)
        centres_s, bpm = sliding_heart_rate(pulse, fs_hz)
        hr_bpm[inside] = np.interp(frame_s[inside], t_s[run[0]] + centres_s, bpm)
        rates.append((len(run), fs_hz, t_s[run[0]], t_s[run[-1]]))
    if not rates:
        raise CurationError(
            f"expected {2 / LOW_HZ:.1f} s of PPG without a hole, found no run that long in "
            f"{t_s[-1]:.1f} s; record it again"
        )
    cover = _cover(frame_s, t_s, holes, first_s=rates[0][2], last_s=rates[-1][3])
    cover[(cover == COVERED) & np.isnan(out)] = HOLE
    uncovered = cover != COVERED
    out[uncovered] = hr_bpm[uncovered] = np.nan
    return AlignedPpg(out, hr_bpm, cover, fs_hz=float(max(rates)[1]))


def _cover(
    frame_s: np.ndarray, t_s: np.ndarray, holes: np.ndarray, *, first_s: float, last_s: float
) -> np.ndarray:
    cover = np.full(len(frame_s), COVERED, np.uint8)
    before = np.clip(np.searchsorted(t_s, frame_s, side="right") - 1, 0, len(t_s) - 2)
    strictly = (frame_s > t_s[before]) & (frame_s < t_s[before + 1])
    cover[holes[before] & strictly] = HOLE
    cover[frame_s < first_s] = BEFORE
    cover[frame_s > last_s] = AFTER
    return cover


def _on_grid(t_s: np.ndarray, ppg: np.ndarray, place: np.ndarray, fs_hz: float) -> np.ndarray:
    """Interpolate one run onto the uniform grid of rate `fs_hz` from its first to its last sample;
    `place` counts from 0.
    """
    # Where samples lack, a line stands in for them: a spline of high degree would swing across the
    # hole.
    known_s = np.interp(np.arange(place[-1] + 1), place, t_s)
    known = np.interp(known_s, t_s, ppg)
    spline = make_interp_spline((known_s - t_s[0]) * fs_hz, known, k=SPLINE_DEGREE)
    return spline(np.arange(place[-1] + 1))


def check_rising(time_ns: np.ndarray, what: str) -> None:
    """Refuse times that stand still or go back.

    Raises
    ------
    CurationError : they do, saying where
    """
    back = np.flatnonzero(np.diff(time_ns) <= 0)
    if len(back):
        at = int(back[0]) + 1
        step_ms = (int(time_ns[at]) - int(time_ns[at - 1])) / 1e6
        raise CurationError(
            f"expected {what} times that rise, found a step of {step_ms:.3f} ms at {what} {at}; "
            "record it again"
        )
