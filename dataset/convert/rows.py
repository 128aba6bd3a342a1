"""What stands in each row of a curated folder: which picture, at which time, with which PPG.

A row is a frame of the session at its own time, or a point of an even grid with the nearest
picture. Where the camera numbered two successive frames with a jump, frames between them were
lost; where holes are to be filled, rows at the nominal times of the lost frames repeat the
picture before them. Where the PPG has no value, or a curator excluded a part, no row can be made:
there the session is cut, or its time row jumps. Every frame of the session is shown, or listed
with a reason, or counted as unused.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from acquire.errors import CurationError, Fix, apart
from dataset.common.spans import is_inside, true_runs
from dataset.layouts.manifest import ExcludedPart, FrameSpan
from dataset.selection.exclusions import Exclusion, Exclusions
from dataset.session.heart_rate import spans_without_finger
from dataset.session.reader import Session
from dataset.signals.align import (
    HOLE,
    WHY_NOT,
    AlignedPpg,
    check_numbers,
    check_rising,
    ppg_on_frames,
)

from .row_times import CandidateRows, even_rows, native_rows
from .settings import NATIVE, Settings

SHORTEST_S = 5.0                     # where a session is cut, shorter parts are left out
TOO_SHORT = f"part shorter than {SHORTEST_S:g} s"


@dataclass(frozen=True)
class Between:
    """The PPG halfway between N successive rows."""

    time_ns: np.ndarray                # (N - 1,) int64, rising
    ppg: np.ndarray                    # (N - 1,) float64
    hr_bpm: np.ndarray                 # (N - 1,) float64; 0 where it cannot be told


@dataclass(frozen=True)
class Part:
    """N rows without a cut between them."""

    frame_index: np.ndarray            # (N,) int64, which frame of the session is shown
    time_ns: np.ndarray                # (N,) int64, rising
    ppg: np.ndarray                    # (N,) float64
    hr_bpm: np.ndarray                 # (N,) float64; 0 where the finger's rate cannot be told
    repeated: tuple[FrameSpan, ...]    # rows whose picture belongs to another moment
    untrusted: tuple[FrameSpan, ...]   # rows without a finger, or whose rate cannot be told
    picture_shift_ms: float            # largest distance of a picture from its row's time
    between: Between | None = None     # where the settings ask for it


@dataclass(frozen=True)
class SessionRows:
    """All rows of a session."""

    parts: tuple[Part, ...]
    trimmed: tuple[FrameSpan, ...]     # frames of the session that are shown nowhere
    unused: int                        # frames that no point of the even grid is nearest to
    ppg_rate_hz: float


@dataclass(frozen=True)
class _Usable:
    """Which samples of a session are used, and which spans of time are excluded."""

    has_known_time: np.ndarray         # (S,) bool, by sample
    is_used: np.ndarray                # (S,) bool: known time, and not excluded
    excluded_ns: list[tuple[float, float]]


def plan_rows(
    session: Session, settings: Settings, exclusions: Sequence[Exclusion] = ()
) -> SessionRows:
    """Choose what stands in each row of each part.

    Raises
    ------
    CurationError : times or numbers do not rise, no usable PPG beside the frames, a PPG that is
        flat, or no part of `SHORTEST_S`
    """
    usable = _find_usable(session, exclusions)
    frame_ns = session.frame_light_ns
    try:
        check_rising(frame_ns, "frame")
        check_numbers(session.frame_sequence, "frame")
        check_numbers(session.ppg_sequence, "sample")
        candidates = _candidate_rows(session, settings, usable)
        halfway_ns = _halfway(candidates.time_ns) if settings.between else candidates.time_ns[:0]
        moments_ns = np.union1d(frame_ns, np.concatenate([candidates.time_ns, halfway_ns]))
        aligned = ppg_on_frames(
            session.ppg_values[usable.is_used], session.ppg_time_ns[usable.is_used],
            session.ppg_sequence[usable.is_used], moments_ns, filtered=settings.ppg == "filtered",
        )
    except CurationError as error:
        raise _unusable(
            session, error.expected, error.found, message=error.facts
        ) from error
    moment_of_row = np.searchsorted(moments_ns, candidates.time_ns)
    is_good = aligned.covered[moment_of_row] & ~_is_excluded(candidates.time_ns, usable.excluded_ns)
    # a row after which the PPG has a hole ends its part
    is_good[: len(halfway_ns)] &= aligned.covered[np.searchsorted(moments_ns, halfway_ns)]
    _check_pulse(session, aligned.ppg[moment_of_row[is_good]])
    runs = _runs_of_rows(candidates, is_good, settings)
    long_runs = _long_enough(session, candidates, runs, settings)
    parts = tuple(
        _part(session, candidates, run, aligned, moment_of_row, settings) for run in long_runs
    )
    if settings.between:
        parts = tuple(replace(part, between=_between(part, aligned, moments_ns)) for part in parts)
    is_short = np.zeros(len(frame_ns), bool)
    for run in runs:
        is_short[candidates.frame_index[run]] = True
    cover = aligned.cover[np.searchsorted(moments_ns, frame_ns)]
    trimmed, unused = _not_shown(
        parts, _reasons_to_trim(session, cover, usable, is_short=is_short)
    )
    return SessionRows(parts, trimmed, unused, aligned.fs_hz)


def excluded_parts(
    exclusions: Sequence[Exclusion], *, reasons: bool = False
) -> tuple[ExcludedPart, ...]:
    """Return the exclusions of a session as the manifest lists them.

    A reason is a person's own words and may name somebody; the manifest goes with the data.
    """
    return tuple(
        ExcludedPart(part.from_s, part.to_s, part.reason if reasons else "")
        for part in exclusions
    )


def _unusable(
    session: Session, expected: str, found: str, *, message: str = "", fix: Fix = Fix.EXCLUDE
) -> CurationError:
    return CurationError(
        message, expected=expected, found=found,
        where=f"in session {session.session_id}, {session.path}", fix=fix, of=session.session_id,
    )


def _halfway(time_ns: np.ndarray) -> np.ndarray:
    return time_ns[:-1] + np.diff(time_ns) // 2


def _between(part: Part, aligned: AlignedPpg, moments_ns: np.ndarray) -> Between:
    """Read the PPG out halfway between the rows of a part."""
    time_ns = _halfway(part.time_ns)
    moment = np.searchsorted(moments_ns, time_ns)
    hr_bpm = aligned.hr_bpm[moment]
    is_told = np.isfinite(hr_bpm) & (part.hr_bpm[:-1] > 0) & (part.hr_bpm[1:] > 0)
    return Between(time_ns, aligned.ppg[moment], np.where(is_told, hr_bpm, 0.0))


def _find_usable(session: Session, exclusions: Sequence[Exclusion]) -> _Usable:
    """Choose the samples; one without a bound on its time is treated as a hole."""
    # a published set and a sensor without a clock have no bounds at all: every sample is used
    has_known_time = (session.ppg_bound_ns >= 0) | (not session.is_bounded)
    begin_ns = session.started_monotonic_ns
    excluded_ns = [
        (begin_ns + 1e9 * from_s, begin_ns + 1e9 * to_s)
        for from_s, to_s in Exclusions(tuple(exclusions)).spans_s(session.session_id)
    ]
    is_used = has_known_time & ~_is_excluded(session.ppg_time_ns, excluded_ns)
    return _Usable(has_known_time, is_used, excluded_ns)


def _is_excluded(time_ns: np.ndarray, spans_ns: Sequence[tuple[float, float]]) -> np.ndarray:
    """Return which times are excluded, (N,) bool; the end of a span is not."""
    excluded = np.zeros(len(time_ns), bool)
    for first_ns, last_ns in spans_ns:
        excluded |= (time_ns >= first_ns) & (time_ns < last_ns)
    return excluded


def _candidate_rows(session: Session, settings: Settings, usable: _Usable) -> CandidateRows:
    if settings.fps == NATIVE:
        return native_rows(session.frame_light_ns, session.frame_sequence)
    used_ns = session.ppg_time_ns[usable.is_used]
    return even_rows(
        session.frame_light_ns, session.frame_sequence, float(settings.fps),
        begin_ns=int(used_ns[0]) if len(used_ns) else 0,
    )


def _check_pulse(session: Session, ppg: np.ndarray) -> None:
    """Refuse a session without two usable rows, or with a PPG that is flat there."""
    if len(ppg) < 2:
        raise _unusable(session, "frames and PPG at the same time", f"{len(ppg)} such frames")
    if np.ptp(ppg) == 0:
        raise _unusable(session, "a pulse", "PPG that is flat")


def _runs_of_rows(
    candidates: CandidateRows, is_good: np.ndarray, settings: Settings
) -> list[np.ndarray]:
    """Return the indices of the rows that stay together, by what becomes of holes."""
    if settings.holes == "keep":
        return [np.flatnonzero(is_good & ~candidates.is_lost)]
    is_wanted = is_good if settings.holes == "repeat" else is_good & ~candidates.is_lost
    return [np.array(run) for run in true_runs(is_wanted)]


def _long_enough(
    session: Session, candidates: CandidateRows, runs: list[np.ndarray], settings: Settings
) -> list[np.ndarray]:
    if settings.holes == "keep":
        return runs
    spans_s = [
        float(candidates.time_ns[run[-1]] - candidates.time_ns[run[0]]) / 1e9 for run in runs
    ]
    if max(spans_s, default=0.0) < SHORTEST_S:
        raise _unusable(
            session, f"{SHORTEST_S:g} s without a hole",
            f"at most {apart(max(spans_s, default=0.0), SHORTEST_S)} s", fix=Fix.KEEP_HOLES,
        )
    return [run for run, span_s in zip(runs, spans_s, strict=True) if span_s >= SHORTEST_S]


def _part(
    session: Session, candidates: CandidateRows, run: np.ndarray, aligned: AlignedPpg,
    moment_of_row: np.ndarray, settings: Settings,
) -> Part:
    frame_index, time_ns = candidates.frame_index[run], candidates.time_ns[run]
    is_lost = candidates.is_lost[run]
    repeated = [
        FrameSpan(span[0], len(span), reason)
        for reason, is_repeated in (
            ("frames were lost", is_lost), ("resampled", candidates.is_repeated[run] & ~is_lost),
        )
        for span in true_runs(is_repeated)
    ]
    shift_ns = (
        0.0 if settings.fps == NATIVE
        else np.abs(time_ns - session.frame_light_ns[frame_index]).max()
    )
    hr_bpm = aligned.hr_bpm[moment_of_row[run]]
    is_off = is_inside(time_ns, spans_without_finger(session))
    untrusted = [
        FrameSpan(span[0], len(span), reason)
        for reason, is_untrusted in (
            ("no finger", is_off), ("no rate can be told", ~np.isfinite(hr_bpm) & ~is_off),
        )
        for span in true_runs(is_untrusted)
    ]
    return Part(
        frame_index, time_ns, aligned.ppg[moment_of_row[run]],
        np.where(np.isfinite(hr_bpm) & ~is_off, hr_bpm, 0.0), _in_order(repeated),
        _in_order(untrusted), float(shift_ns / 1e6),
    )


def _in_order(spans: list[FrameSpan]) -> tuple[FrameSpan, ...]:
    return tuple(sorted(spans, key=lambda span: span.first))


def _reasons_to_trim(
    session: Session, cover: np.ndarray, usable: _Usable, *, is_short: np.ndarray
) -> np.ndarray:
    """Return for each frame why it would be left out; "" where only the grid may have skipped it.

    Parameters
    ----------
    cover : (N,) as in `AlignedPpg`, at the frames' times
    is_short : (N,) bool, the frame is in a part that is too short
    """
    frame_ns = session.frame_light_ns
    is_excluded = _is_excluded(frame_ns, usable.excluded_ns)
    reasons = np.full(len(cover), "", object)
    reasons[is_short] = TOO_SHORT
    for why, text in WHY_NOT.items():
        reasons[cover == why] = text
    used_index, used_ns = np.flatnonzero(usable.is_used), session.ppg_time_ns[usable.is_used]
    for hole in true_runs((cover == HOLE) & ~is_excluded):
        before = used_index[np.searchsorted(used_ns, frame_ns[hole[0]], side="right") - 1]
        after = used_index[np.searchsorted(used_ns, frame_ns[hole[-1]])]
        if not usable.has_known_time[before:after].all():
            reasons[hole] = "samples had no bound on their time"
        elif not usable.is_used[before:after].all():
            reasons[hole] = "beside an excluded part"
    reasons[is_excluded] = "excluded"
    return reasons


def _not_shown(
    parts: Sequence[Part], reasons: np.ndarray
) -> tuple[tuple[FrameSpan, ...], int]:
    """List the frames that no part shows, and count those without a reason."""
    is_shown = np.zeros(len(reasons), bool)
    for part in parts:
        is_shown[part.frame_index] = True
    trimmed = [
        FrameSpan(run[0], len(run), reason)
        for reason in sorted(set(reasons[~is_shown]) - {""})
        for run in true_runs((reasons == reason) & ~is_shown)
    ]
    unused = int(((reasons == "") & ~is_shown).sum())
    return tuple(sorted(trimmed, key=lambda span: span.first)), unused
