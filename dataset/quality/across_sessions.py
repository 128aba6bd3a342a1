"""What only shows beside other sessions: a lag unlike the subject's others, and recordings that are
there twice.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from .limits import Limits
from .measure import grade, in_order
from .result import Flag, SessionQuality

if TYPE_CHECKING:
    from dataset.duplicates.find import Duplicate

_SURE = 2.0  # standard errors of its own that a lag has to be off by, beside its limit
KINDS = ("lag_subject", "duplicate")


def compare_sessions(
    qualities: Mapping[Path, SessionQuality], duplicates: Sequence["Duplicate"], limits: Limits, *,
    out: Collection[str] = (),
) -> dict[Path, SessionQuality]:
    """Give the qualities anew, with the flags that come from comparing them and with the grades
    that follow.

    Parameters
    ----------
    qualities : by session file; flags of an earlier comparison are dropped
    out : sessions that are excluded: they are held against the others, and nobody against them
    """
    new: dict[Path, list[Flag]] = {path: [] for path in qualities}
    for path, flag in _lags(qualities, limits, out):
        new[path].append(flag)
    for duplicate in duplicates:
        for stretch, other in (
            (duplicate.first, duplicate.second), (duplicate.second, duplicate.first),
        ):
            length_s = stretch.to_s - stretch.from_s
            if stretch.path in new and (other.session not in out or stretch.session in out):
                new[stretch.path].append(
                    limits.flag(
                        "duplicate", duplicate.in_words(stretch.path), value=length_s,
                        from_s=stretch.from_s, to_s=stretch.to_s,
                    )
                )
    compared = {}
    for path, quality in qualities.items():
        flags = in_order([*(flag for flag in quality.flags if flag.kind not in KINDS), *new[path]])
        compared[path] = replace(quality, flags=flags, grade=grade(flags))
    return compared


def _lags(
    qualities: Mapping[Path, SessionQuality], limits: Limits, out: Collection[str]
) -> list[tuple[Path, Flag]]:
    """Compare each session's lag with those of its subject that agree; of two that differ neither
    is believed.
    """
    by_subject: dict[str, list[tuple[Path, float]]] = {}
    for path, quality in qualities.items():
        if (lag_ms := quality.measures.get("lag_ms")) is not None:
            by_subject.setdefault(quality.subject, []).append((path, lag_ms))
    flags = []
    for told in by_subject.values():
        lags = np.array([lag_ms for _, lag_ms in told])
        is_in = np.array([qualities[path].session not in out for path, _ in told])
        for i, (path, lag_ms) in enumerate(told):
            others = lags[is_in & (np.arange(len(lags)) != i)]
            if len(others) == 0:
                continue
            if len(others) > 1:
                agreeing = others[np.abs(others - np.median(lags[is_in])) <= limits["lag_subject"]]
                others = agreeing if len(agreeing) else others
            off_ms = float(lag_ms - np.median(others))
            if abs(off_ms) > max(
                limits["lag_subject"], _SURE * (qualities[path].measures.get("lag_error_ms") or 0.0)
            ):
                text = f"the face is {lag_ms:.0f} ms behind the finger, {off_ms:+.0f} ms from the subject's other sessions"
                flags.append((path, limits.flag("lag_subject", text, value=off_ms)))
    return flags
