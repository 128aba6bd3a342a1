"""Length, gaps, jitter, losses and clocks of a session's two streams; how sure its times are."""

import numpy as np

from acquire.errors import apart
from dataset.common.wording import counted
from dataset.session.reader import Session, rises
from dataset.signals.stamp_drift import measure_stamp_drift

from .measurements import Measurements, join_extremes

_NEAR_S = 1.0                      # gaps this close are one flag
_SEEN_MS = 0.05                    # a shorter step back is written as none


def measure_length(frame_s: np.ndarray, sample_s: np.ndarray, measured: Measurements) -> None:
    """Measure how long both streams run, and where one of them runs alone.

    Parameters
    ----------
    frame_s, sample_s : times after the session's start
    """
    streams = [
        (name, t_s) for name, t_s in (("frames", frame_s), ("samples", sample_s)) if len(t_s)
    ]
    both_s = 0.0
    if len(streams) == 2:
        both_s = max(0.0, float(min(frame_s[-1], sample_s[-1]) - max(frame_s[0], sample_s[0])))
    measured.add_measure("both_streams_s", both_s)
    if both_s < measured.limits["too_short"]:
        least_s = measured.limits["too_short"]
        found = apart(both_s, least_s)
        text = f"frames and samples together for {found} s, of which {least_s:g} are needed"
        measured.add_flag("too_short", text, value=both_s)
    if len(streams) < 2:
        return
    begin, end = min(t_s[0] for _, t_s in streams), max(t_s[-1] for _, t_s in streams)
    for name, t_s in streams:
        for first, last, where in (
            (begin, t_s[0], "at the beginning"), (t_s[-1], end, "at the end"),
        ):
            if (alone_s := float(last - first)) > measured.limits["one_stream"]:
                measured.add_flag(
                    "one_stream", f"no {name} for {alone_s:.1f} s {where}", value=alone_s,
                    from_s=first, to_s=last,
                )
    share = 100 * (1 - both_s / float(end - begin)) if end > begin else 0.0
    if share > measured.limits["streams_apart"]:
        text = f"frames or samples alone for {share:.0f} % of the session"
        measured.add_flag("streams_apart", text, value=share)


def measure_timing(session: Session, measured: Measurements) -> None:
    """Measure the times of both streams."""
    start_ns = session.started_monotonic_ns
    frame_s, sample_s = (
        (time_ns - start_ns) / 1e9 for time_ns in (session.frame_time_ns, session.ppg_time_ns)
    )
    _measure_intervals("frame", frame_s, session.frame_sequence, session.lost_frames, measured)
    _measure_clock(
        "frame", frame_s, (session.frame_arrival_ns - start_ns) / 1e9, session, measured
    )
    _measure_intervals("sample", sample_s, session.ppg_sequence, session.lost_samples, measured)
    _measure_clock(
        "sample", sample_s, (session.ppg_arrival_ns - start_ns) / 1e9, session, measured
    )
    _measure_bound(session, sample_s, measured)


def _measure_intervals(
    stream: str, t_s: np.ndarray, sequence: np.ndarray, lost: int, measured: Measurements
) -> None:
    """Measure losses, gaps, jitter and times that go back; `stream` is "frame" or "sample"."""
    limits = measured.limits
    share = 100 * lost / max(1, lost + len(t_s))
    is_counted = rises(sequence)        # else what is lost is not known, and flagged so below
    measured.add_measure(f"lost_{stream}s", lost if is_counted else None)
    if is_counted and share > limits[f"lost_{stream}s"]:
        text = f"{lost} of {lost + len(t_s)} {stream}s lost, {share:.1f} %"
        measured.add_flag(f"lost_{stream}s", text, value=share)
    if len(t_s) < 2:
        return
    steps_ms = np.diff(t_s) * 1e3
    measured.add_curve(f"{stream}_interval_ms", t_s[1:], steps_ms, "ms")
    is_gap = steps_ms > limits[f"{stream}_gap"]
    gaps = [(float(t_s[i]), float(t_s[i + 1]), float(steps_ms[i])) for i in np.flatnonzero(is_gap)]
    measured.add_measure(f"longest_{stream}_gap_ms", float(steps_ms.max()))
    for first, last, longest in join_extremes(gaps, within_s=_NEAR_S):
        measured.add_flag(
            f"{stream}_gap", f"no {stream} for {longest:.0f} ms", value=longest, from_s=first,
            to_s=last,
        )
    whole = steps_ms[(np.diff(sequence) == 1) & ~is_gap]
    jitter_ms = float(whole.std()) if len(whole) else float("nan")
    measured.add_measure(f"{stream}_jitter_ms", jitter_ms)
    if jitter_ms > limits[f"{stream}_jitter"]:
        text = f"the time between {stream}s wavers by {jitter_ms:.1f} ms"
        measured.add_flag(f"{stream}_jitter", text, value=jitter_ms)
    back = np.flatnonzero(steps_ms <= 0)
    if len(back):
        ends = t_s[np.concatenate([back, back + 1])]
        most_ms = -steps_ms[back].min()
        measured.add_flag(
            "times_back",
            f"{counted(len(back), f'{stream} time')} not later than the one before"
            + (f", by up to {most_ms:.1f} ms" if most_ms >= _SEEN_MS else ""),
            value=-float(most_ms), from_s=float(ends.min()), to_s=float(ends.max()),
        )
    repeated = np.flatnonzero(np.diff(sequence) <= 0)
    if len(repeated):
        measured.add_flag(
            "times_back",
            f"{counted(len(repeated), f'{stream} number')} not higher than the one before: what is "
            "lost is not known",
            value=0.0, from_s=float(t_s[repeated].min()), to_s=float(t_s[repeated + 1].max()),
        )


def _measure_clock(
    stream: str, t_s: np.ndarray, arrival_s: np.ndarray, session: Session, measured: Measurements
) -> None:
    """Measure the times of a stream against their arrivals: its rate, and steps of its clock."""
    name = "frame_rate_error" if stream == "frame" else "ppg_rate_error"
    if session.imported_from:      # the arrivals of an imported session are the published stamps
        measured.add_measure(f"{name}_percent", None)
        return
    check = measure_stamp_drift(t_s, arrival_s)
    error = None if check.rate_error is None else 100 * check.rate_error
    measured.add_measure(f"{name}_percent", error)
    if error is not None and abs(error) > measured.limits[name]:
        side = "fast" if error > 0 else "slow"
        text = f"{stream} times run {abs(error):.2f} % too {side} against the host's clock"
        measured.add_flag(name, text, value=error)
    for at_s, size_s in check.steps:
        if abs(size_s) * 1e3 > measured.limits["clock_step"]:
            measured.add_flag(
                "clock_step", f"the delay of {stream}s changes by {size_s * 1e3:+.0f} ms and stays",
                value=size_s * 1e3, from_s=at_s - 1, to_s=at_s + 1,
            )


def _measure_bound(session: Session, sample_s: np.ndarray, measured: Measurements) -> None:
    """Measure the bound on the error of the samples' times."""
    is_known = session.ppg_bound_ns >= 0
    bound_ms = np.where(is_known, session.ppg_bound_ns / 1e6, np.nan)
    measured.add_measure("sync_bound_ms", session.sync_bound_ms)
    if is_known.any():
        measured.add_curve("sync_bound_ms", sample_s, bound_ms, "ms")
    missing = 100 * float(np.mean(~is_known)) if len(is_known) else 0.0
    if session.sync_one_sided:
        measured.add_flag("sync_one_sided", f"sync is {session.sync_one_sided}", value=1.0)
    if missing > measured.limits["sync_missing"] and session.is_bounded:
        text = f"{missing:.0f} % of the samples have no bound on their times"
        measured.add_flag("sync_missing", text, value=missing)
    wide = [
        (float(sample_s[i]), float(sample_s[i]), float(bound_ms[i]))
        for i in np.flatnonzero(bound_ms > measured.limits["sync_bound"])
    ]
    for first, last, worst in join_extremes(wide, within_s=_NEAR_S):
        measured.add_flag(
            "sync_bound", f"times are certain only within {worst:.1f} ms", value=worst,
            from_s=first, to_s=last,
        )
