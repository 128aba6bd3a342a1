"""Flags that need other sessions: a lag unlike the subject's others, recordings that are twice."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from dataset.common.wording import pulse_lag

from .grade import grade_of, sort_flags
from .limits import Limits
from .result import Flag, SessionQuality

if TYPE_CHECKING:
    from dataset.duplicates.find import Duplicate

ACROSS_SESSIONS = ("lag_subject", "duplicate")
_MIN_ERRORS = 2.0  # of a lag's standard error, by which it has to be off beside the limit


def flag_across_sessions(
    qualities: Mapping[Path, SessionQuality], duplicates: Sequence["Duplicate"], limits: Limits, *,
    excluded: Collection[str] = (),
) -> dict[Path, SessionQuality]:
    """Return the qualities with the flags that need other sessions, and with the new grades.

    Parameters
    ----------
    qualities : by session file; flags of an earlier comparison are dropped
    excluded : sessions that are compared with the others, and no other with them
    """
    flags: dict[Path, list[Flag]] = {
        path: [flag for flag in quality.flags if flag.kind not in ACROSS_SESSIONS]
        for path, quality in qualities.items()
    }
    for path, flag in _lag_flags(qualities, limits, excluded):
        flags[path].append(flag)
    for duplicate in duplicates:
        for path, flag in _duplicate_flags(duplicate, limits, excluded):
            if path in flags:
                flags[path].append(flag)
    return {
        path: replace(quality, flags=sort_flags(flags[path]), grade=grade_of(flags[path]))
        for path, quality in qualities.items()
    }


def _duplicate_flags(
    duplicate: "Duplicate", limits: Limits, excluded: Collection[str]
) -> list[tuple[Path, Flag]]:
    """Flag both recordings, but none for its likeness to one that is excluded."""
    flags = []
    for stretch in (duplicate.first, duplicate.second):
        other = duplicate.other(stretch.path)
        if other.session in excluded and stretch.session not in excluded:
            continue
        flag = limits.flag(
            "duplicate", duplicate.in_words(stretch.path), value=stretch.to_s - stretch.from_s,
            from_s=stretch.from_s, to_s=stretch.to_s,
        )
        flags.append((stretch.path, replace(flag, other=other.session)))
    return flags


def _lag_flags(
    qualities: Mapping[Path, SessionQuality], limits: Limits, excluded: Collection[str]
) -> list[tuple[Path, Flag]]:
    """Flag lags that differ from those of the subject's other sessions that agree.

    Of two sessions that differ both are flagged: which of them is right is not known.
    """
    by_subject: dict[str, list[tuple[Path, float]]] = {}
    for path, quality in qualities.items():
        if (lag_ms := quality.measures.get("lag_ms")) is not None:
            by_subject.setdefault(quality.subject, []).append((path, lag_ms))
    flags = []
    for sessions in by_subject.values():
        lags = np.array([lag_ms for _, lag_ms in sessions])
        is_in = np.array([qualities[path].session not in excluded for path, _ in sessions])
        for i, (path, lag_ms) in enumerate(sessions):
            others = lags[is_in & (np.arange(len(lags)) != i)]
            if len(others) == 0:
                continue
            if len(others) > 1:
                agreeing = others[np.abs(others - np.median(lags[is_in])) <= limits["lag_subject"]]
                others = agreeing if len(agreeing) else others
            off_ms = float(lag_ms - np.median(others))
            error_ms = qualities[path].measures.get("lag_error_ms") or 0.0
            if abs(off_ms) > max(limits["lag_subject"], _MIN_ERRORS * error_ms):
                side = "earlier" if off_ms < 0 else "later"
                text = (
                    f"{pulse_lag(lag_ms)}, {abs(off_ms):.0f} ms {side} than in the subject's other "
                    "sessions"
                )
                flags.append((path, limits.flag("lag_subject", text, value=off_ms)))
    return flags
