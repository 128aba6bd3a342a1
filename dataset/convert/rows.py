"""What stands in each row of a curated folder: which picture, at which time, with which PPG.

A row is a frame of the session at its own time, or a point of an even grid with the nearest
picture. Between two frames that the camera numbered with a jump there were others: rows at their
nominal times stand in for them, where holes are to be filled, and show the picture before once
more. Where the PPG has no value, or a curator took a part out, nothing can stand in: there the
session is cut, or its time row jumps. Every frame of the session is shown, or listed with a reason,
or counted as unused.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from acquire.errors import CurationError
from dataset.common.spans import true_runs
from dataset.selection.exclusions import Exclusion, Exclusions
from dataset.session.reader import Session
from dataset.signals.align import HOLE, WHY_NOT, AlignedPpg, check_rising, ppg_on_frames

from .settings import NATIVE, Settings

SHORTEST_S = 5.0                     # a part below this is left out, where a session is cut


@dataclass(frozen=True)
class Part:
    """N rows without a cut between them."""

    index: np.ndarray          # (N,) int64, which frame of the session is shown
    time_ns: np.ndarray        # (N,) int64, rising
    ppg: np.ndarray            # (N,) float64
    hr_bpm: np.ndarray         # (N,) float64
    # {"first", "frames", "reason"}: rows whose picture belongs to another moment
    repeated: list[dict]
    picture_shift_ms: float    # largest distance of a picture from its row's time


@dataclass(frozen=True)
class Timeline:
    """All rows of a session."""

    parts: tuple[Part, ...]
    # {"first", "frames", "reason"}: frames of the session that are shown nowhere
    trimmed: list[dict]
    unused: int                # frames that no point of the even grid is nearest to
    ppg_rate_hz: float


@dataclass(frozen=True)
class _Rows:
    """Candidates, before anything is left out."""

    time_ns: np.ndarray
    index: np.ndarray
    lost: np.ndarray           # (N,) bool: the row stands where the camera's frames were lost
    again: np.ndarray          # (N,) bool: its picture is nearer to another row


def lay_out(session: Session, settings: Settings, exclusions: Sequence[Exclusion] = ()) -> Timeline:
    """Say what stands in each row of each part.

    Raises
    ------
    CurationError : times do not rise, no usable PPG beside the frames, a PPG that is flat, or no
        part of `SHORTEST_S`
    """
    where = f"in session {session.session_id}, {session.path}"
    otherwise = f"or take it out with acq exclude {session.session_id} and split again"
    frame_ns = session.frame_light_ns
    out_ns = _spans_ns(session, exclusions)
    used = _vouched(session) & ~_inside(session.ppg_time_ns, out_ns)
    try:
        check_rising(frame_ns, "frame")
        rows = (
            _native_rows(frame_ns, session.frame_sequence)
            if settings.fps == NATIVE
            else _even_rows(
                frame_ns, session.frame_sequence, float(settings.fps),
                begin_ns=_first(session.ppg_time_ns[used]),
            )
        )
        moments = np.union1d(frame_ns, rows.time_ns)
        aligned = ppg_on_frames(
            session.ppg_values[used], session.ppg_time_ns[used], session.ppg_sequence[used],
            moments, filtered=settings.ppg == "filtered",
        )
    except CurationError as error:
        raise CurationError(f"{error} ({where}); {otherwise}") from error
    at_row, at_frame = np.searchsorted(moments, rows.time_ns), np.searchsorted(moments, frame_ns)
    good = aligned.covered[at_row] & ~_inside(rows.time_ns, out_ns)
    if (count := int(good.sum())) < 2:
        raise CurationError(
            f"expected frames and PPG at the same time, found {count} such frames {where}; "
            f"{otherwise}"
        )
    if not np.isfinite(aligned.hr_bpm[at_row[good]]).all():
        raise CurationError(f"expected a pulse, found PPG that is flat {where}; {otherwise}")
    wanted = good if settings.holes == "repeat" else good & ~rows.lost
    runs = [np.flatnonzero(wanted)] if settings.holes == "keep" else [np.asarray(run) for run in true_runs(wanted)]
    long = [
        run for run in runs if settings.holes == "keep" or _span_s(rows.time_ns[run]) >= SHORTEST_S
    ]
    if not long:
        longest = max((_span_s(rows.time_ns[run]) for run in runs), default=0.0)
        raise CurationError(
            f"expected {SHORTEST_S:g} s without a hole, found at most {longest:.1f} s {where}; use "
            f"--holes keep, {otherwise}"
        )
    parts = tuple(
        _part(rows, run, aligned, at_row, frame_ns, even=settings.fps != NATIVE) for run in long
    )
    shown, short = np.zeros((2, len(frame_ns)), bool)
    for run in runs:
        short[rows.index[run]] = True
    for part in parts:
        shown[part.index] = True
    reasons = _reasons(session, aligned.cover[at_frame], used, _inside(frame_ns, out_ns), short)
    trimmed = [
        {"first": int(run[0]), "frames": len(run), "reason": reason}
        for reason in sorted(set(reasons[~shown]) - {""})
        for run in true_runs((reasons == reason) & ~shown)
    ]
    unused = int(((reasons == "") & ~shown).sum())
    return Timeline(parts, sorted(trimmed, key=lambda one: one["first"]), unused, aligned.fs_hz)


def excluded_parts(exclusions: Sequence[Exclusion]) -> list[dict]:
    """Give what a curator took out as the manifest lists it."""
    return [{"from_s": one.from_s, "to_s": one.to_s, "reason": one.reason} for one in exclusions]


def _vouched(session: Session) -> np.ndarray:
    """Say which samples are used: a time that nobody vouches for is a hole, but published sets have
    no others.
    """
    return (session.ppg_bound_ns >= 0) | bool(session.imported_from)


def _spans_ns(session: Session, exclusions: Sequence[Exclusion]) -> list[tuple[float, float]]:
    spans_s = Exclusions(tuple(exclusions)).spans_s(session.session_id)
    return [tuple(session.started_monotonic_ns + 1e9 * end for end in span) for span in spans_s]  # type: ignore[misc]


def _inside(time_ns: np.ndarray, spans_ns: Sequence[tuple[float, float]]) -> np.ndarray:
    inside = np.zeros(len(time_ns), bool)
    for first, last in spans_ns:
        inside |= (time_ns >= first) & (time_ns < last)
    return inside


def _first(time_ns: np.ndarray) -> int:
    return int(time_ns[0]) if len(time_ns) else 0


def _span_s(time_ns: np.ndarray) -> float:
    return float(time_ns[-1] - time_ns[0]) / 1e9


def _lost_between(frame_ns: np.ndarray, sequence: np.ndarray) -> tuple[np.ndarray, float]:
    """Count the frames lost behind each frame but the last, by time where numbers begin anew; give
    the usual period [ns].
    """
    steps, gaps_ns = np.diff(sequence), np.diff(frame_ns)
    period_ns = (
        float(np.median(gaps_ns[steps == 1] if (steps == 1).any() else gaps_ns))
        if len(gaps_ns)
        else 0.0
    )
    by_time = np.ceil(gaps_ns / period_ns).astype(np.int64) if period_ns else np.zeros(0, np.int64)
    return np.where(
        steps >= 1, np.minimum(steps - 1, by_time), np.maximum(by_time - 1, 0)
    ), period_ns


def _native_rows(frame_ns: np.ndarray, sequence: np.ndarray) -> _Rows:
    """Give each frame at its own time, and rows evenly between the neighbours of those that were
    lost.
    """
    lost, _ = _lost_between(frame_ns, sequence)
    copies = np.append(lost + 1, 1)
    index = np.repeat(np.arange(len(frame_ns)), copies)
    step = np.arange(len(index)) - np.repeat(np.cumsum(copies) - copies, copies)
    step_ns = np.append(np.diff(frame_ns), 0) / copies
    time_ns = frame_ns[index] + np.rint(step * step_ns[index]).astype(np.int64)
    return _Rows(time_ns, index, step > 0, step > 0)


def _even_rows(frame_ns: np.ndarray, sequence: np.ndarray, fps: float, *, begin_ns: int) -> _Rows:
    """Give an even grid from the first frame that has a PPG, and the picture nearest to each point.
    """
    lost, period_ns = _lost_between(frame_ns, sequence)
    start = min(int(np.searchsorted(frame_ns, begin_ns)), len(frame_ns) - 1)
    count = int(_span_s(frame_ns[start:]) * fps + 1e-6) + 1
    time_ns = frame_ns[start] + np.rint(np.arange(count) * 1e9 / fps).astype(np.int64)
    after = np.clip(np.searchsorted(frame_ns, time_ns), 1, max(len(frame_ns) - 1, 1))
    if len(frame_ns) < 2:
        return _Rows(
            time_ns, np.zeros(count, np.int64), np.zeros(count, bool), np.zeros(count, bool)
        )
    index = np.where(time_ns - frame_ns[after - 1] <= frame_ns[after] - time_ns, after - 1, after)
    shift_ns = np.abs(time_ns - frame_ns[index])
    in_gap = (lost[after - 1] > 0) & (shift_ns > period_ns / 2)
    # for each picture, its rows from the nearest on
    nearest = np.lexsort((np.arange(count), shift_ns, index))
    again = np.ones(count, bool)
    again[nearest[np.diff(index[nearest], prepend=-1) != 0]] = False
    return _Rows(time_ns, index, in_gap, again)


def _part(
    rows: _Rows, run: np.ndarray, aligned: AlignedPpg, at_row: np.ndarray, frame_ns: np.ndarray, *,
    even: bool,
) -> Part:
    index, time_ns, lost = rows.index[run], rows.time_ns[run], rows.lost[run]
    repeated = [
        {"first": int(found[0]), "frames": len(found), "reason": reason}
        for reason, rows_of in (("frames were lost", lost), ("resampled", rows.again[run] & ~lost))
        for found in true_runs(rows_of)
    ]
    shift_ms = np.abs(time_ns - frame_ns[index]).max() / 1e6 if even else 0.0
    return Part(
        index, time_ns, aligned.ppg[at_row[run]], aligned.hr_bpm[at_row[run]],
        sorted(repeated, key=lambda one: one["first"]), float(shift_ms),
    )


def _reasons(
    session: Session, cover: np.ndarray, used: np.ndarray, excluded: np.ndarray, short: np.ndarray
) -> np.ndarray:
    """Say of each frame why it would be left out; "" where only the grid can have passed it by."""
    reasons = np.full(len(cover), "", object)
    reasons[short] = f"part shorter than {SHORTEST_S:g} s"
    for why, text in WHY_NOT.items():
        reasons[cover == why] = text
    places, vouched = np.flatnonzero(used), _vouched(session)
    used_ns = session.ppg_time_ns[used]
    for hole in true_runs((cover == HOLE) & ~excluded):
        first_ns, last_ns = session.frame_light_ns[[hole[0], hole[-1]]]
        before = places[np.searchsorted(used_ns, first_ns, side="right") - 1]
        after = places[np.searchsorted(used_ns, last_ns)]
        if not vouched[before:after].all():
            reasons[hole] = "samples had no bound on their time"
        elif not used[before:after].all():
            reasons[hole] = "beside an excluded part"
    reasons[excluded] = "excluded"
    return reasons
