"""Gaps, jitter, losses and clocks of a session's two streams, and the bound on its samples' times.
"""

import numpy as np

from dataset.session.reader import Session
from dataset.signals.clock_check import check_clock

from .findings import Findings, joined

_NEAR_S = 1.0                      # gaps this close are one flag


def measure_timing(session: Session, found: Findings) -> None:
    """Measure both streams' times."""
    start = session.started_monotonic_ns
    for stream, time_ns, arrival_ns, sequence, lost in (
        (
            "frame", session.frame_time_ns, session.frame_arrival_ns, session.frame_sequence,
            session.lost_frames,
        ),
        (
            "sample", session.ppg_time_ns, session.ppg_arrival_ns, session.ppg_sequence,
            session.lost_samples,
        ),
    ):
        t_s = (time_ns - start) / 1e9
        _intervals(stream, t_s, sequence, lost, found)
        _clock(stream, t_s, (arrival_ns - start) / 1e9, session, found)
    _bound(session, found)


def _intervals(
    stream: str, t_s: np.ndarray, sequence: np.ndarray, lost: int, found: Findings
) -> None:
    rate = "frames" if stream == "frame" else "samples"
    share = 100 * lost / max(1, lost + len(t_s))
    found.note(f"lost_{rate}", lost)
    if share > found.limits[f"lost_{rate}"]:
        found.flag(
            f"lost_{rate}", f"{lost} of {lost + len(t_s)} {rate} lost, {share:.1f} %", value=share
        )
    if len(t_s) < 2:
        return
    steps_ms = np.diff(t_s) * 1e3
    found.curve(f"{stream}_interval_ms", t_s[1:], steps_ms, "ms")
    limit_ms = found.limits[f"{stream}_gap"]
    gaps = [
        (float(t_s[i]), float(t_s[i + 1]), float(steps_ms[i]))
        for i in np.flatnonzero(steps_ms > limit_ms)
    ]
    found.note(f"longest_{stream}_gap_ms", float(steps_ms.max()))
    for first, last, longest in joined(gaps, within_s=_NEAR_S):
        found.flag(
            f"{stream}_gap", f"no {stream} for {longest:.0f} ms", value=longest, from_s=first,
            to_s=last,
        )
    whole = steps_ms[(np.diff(sequence) == 1) & (steps_ms <= limit_ms)]
    jitter_ms = float(whole.std()) if len(whole) else float("nan")
    found.note(f"{stream}_jitter_ms", jitter_ms)
    if jitter_ms > found.limits[f"{stream}_jitter"]:
        found.flag(
            f"{stream}_jitter", f"the time between {rate} wavers by {jitter_ms:.1f} ms",
            value=jitter_ms,
        )
    back = np.flatnonzero(steps_ms <= 0)
    if len(back):
        ends = t_s[np.concatenate([back, back + 1])]
        found.flag(
            "times_back",
            f"{len(back)} times {rate} stand still or go back, by up to "
            f"{-steps_ms[back].min():.1f} ms",
            value=float(steps_ms[back].min()),
            from_s=float(ends.min()),
            to_s=float(ends.max()),
        )


def _clock(
    stream: str, t_s: np.ndarray, arrival_s: np.ndarray, session: Session, found: Findings
) -> None:
    name = "frame_rate_error" if stream == "frame" else "ppg_rate_error"
    if session.imported_from:  # what stands for arrivals there are the published stamps themselves
        found.note(f"{name}_percent", None)
        return
    check = check_clock(t_s, arrival_s)
    error = None if check.rate_error is None else 100 * check.rate_error
    found.note(f"{name}_percent", error)
    if error is not None and abs(error) > found.limits[name]:
        side = "fast" if error > 0 else "slow"
        found.flag(
            name, f"{stream} times run {abs(error):.2f} % too {side} against the host's clock",
            value=error,
        )
    for at_s, size_s in check.steps:
        if abs(size_s) * 1e3 > found.limits["clock_step"]:
            found.flag(
                "clock_step", f"the delay of {stream}s changes by {size_s * 1e3:+.0f} ms and stays",
                value=size_s * 1e3, from_s=at_s - 1, to_s=at_s + 1,
            )


def _bound(session: Session, found: Findings) -> None:
    known = session.ppg_bound_ns >= 0
    t_s = (session.ppg_time_ns - session.started_monotonic_ns) / 1e9
    bound_ms = np.where(known, session.ppg_bound_ns / 1e6, np.nan)
    found.note("sync_bound_ms", session.sync_bound_ms)
    if known.any():
        found.curve("sync_bound_ms", t_s, bound_ms, "ms")
    without = 100 * float(np.mean(~known)) if len(known) else 0.0
    if without > found.limits["sync_missing"] and not session.imported_from:
        found.flag(
            "sync_missing", f"{without:.0f} % of the samples have no bound on their times",
            value=without,
        )
    wide = [
        (float(t_s[i]), float(t_s[i]), float(bound_ms[i]))
        for i in np.flatnonzero(bound_ms > found.limits["sync_bound"])
    ]
    for first, last, worst in joined(wide, within_s=_NEAR_S):
        found.flag(
            "sync_bound", f"times are certain only within {worst:.1f} ms", value=worst,
            from_s=first, to_s=last,
        )
