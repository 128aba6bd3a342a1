"""The quality of one session, measured in one pass over its pictures.

Streams, finger, face and the two pulses are measured one after another, each in a file of its own;
each flag names the limit that it broke. The grade follows from the flags alone: a failure makes a
session bad, a warning usable, a note nothing.
"""

from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path

import cv2
import numpy as np

from acquire.errors import CurationError
from dataset.session.reader import Session, rate_hz
from dataset.signals.align import BRIDGE_S
from dataset.signals.lag import face_pulse, finger_pulse

from .face import measure_face
from .findings import Findings
from .limits import Limits
from .ppg import measure_ppg
from .pulses import measure_pulses
from .result import Flag, SessionQuality, read_quality
from .timing import measure_timing
from .video import look_through


def measure(session_path: Path, limits: Limits) -> SessionQuality:
    """Measure a session and grade it.

    Raises
    ------
    SessionError : it cannot be read
    """
    cv2.setNumThreads(1)            # more sessions at once are more processes
    found = Findings(limits)
    with Session(session_path) as session:
        start_ns = session.started_monotonic_ns
        frame_s, sample_s = (
            (session.frame_time_ns - start_ns) / 1e9, (session.ppg_time_ns - start_ns) / 1e9,
        )
        measure_timing(session, found)
        _length(frame_s, sample_s, found)
        finger = finger_pulse(session.ppg, sample_s) if _rises(sample_s) else None
        poor = measure_ppg(session, finger, found)
        pictures = look_through(session)
        measure_face(
            pictures, frame_s, aspect=session.frames.width / session.frames.height, found=found
        )
        seen = np.isfinite(pictures.patches[:, 0, 0])
        light_s = (session.frame_light_ns - start_ns)[seen] / 1e9
        face = (
            face_pulse(pictures.patches[seen], light_s, fps=rate_hz(session.frame_time_ns))
            if _rises(light_s)
            else None
        )
        measure_pulses(face, finger, [*poor, *_holes(light_s), *_holes(sample_s)], found)
        return SessionQuality(
            session=session.session_id, subject=session.subject,
            session_hash=session.content_hash(), simulated=session.simulated,
            duration_s=session.duration_s, grade=grade(found.flags), flags=in_order(found.flags),
            measures=found.measures, series=found.series, limits_hash=limits.hash,
            acq_version=version("acq"),
        )


def grade(flags: Sequence[Flag]) -> str:
    """Give the grade that flags lead to."""
    severities = {flag.severity for flag in flags}
    return "bad" if "failure" in severities else "usable" if "warning" in severities else "good"


def in_order(flags: Sequence[Flag]) -> tuple[Flag, ...]:
    """Sort flags: those of the whole session first, then by time."""
    return tuple(
        sorted(flags, key=lambda flag: (-1.0 if flag.from_s is None else flag.from_s, flag.kind))
    )


def _rises(t_s: np.ndarray) -> bool:
    return len(t_s) > 1 and bool((np.diff(t_s) > 0).all())


def _holes(t_s: np.ndarray) -> list[tuple[float, float]]:
    """Give the stretches without a value that no pulse can be drawn across."""
    return [(float(t_s[i]), float(t_s[i + 1])) for i in np.flatnonzero(np.diff(t_s) > BRIDGE_S)]


def _length(frame_s: np.ndarray, sample_s: np.ndarray, found: Findings) -> None:
    both_s = (
        min(frame_s[-1], sample_s[-1]) - max(frame_s[0], sample_s[0])
        if len(frame_s) and len(sample_s)
        else 0.0
    )
    both_s = max(0.0, float(both_s))
    found.note("both_streams_s", both_s)
    if both_s < found.limits["too_short"]:
        found.flag("too_short", f"frames and samples together for {both_s:.1f} s", value=both_s)
    streams = [
        (name, t_s) for name, t_s in (("frames", frame_s), ("samples", sample_s)) if len(t_s)
    ]
    if len(streams) < 2:
        return
    begin, end = min(t_s[0] for _, t_s in streams), max(t_s[-1] for _, t_s in streams)
    for name, t_s in streams:
        for first, last, where in (
            (begin, t_s[0], "at the beginning"), (t_s[-1], end, "at the end"),
        ):
            if (alone_s := float(last - first)) > found.limits["one_stream"]:
                found.flag(
                    "one_stream", f"no {name} for {alone_s:.1f} s {where}", value=alone_s,
                    from_s=first, to_s=last,
                )
    share = 100 * (1 - both_s / float(end - begin)) if end > begin else 0.0
    if share > found.limits["streams_apart"]:
        found.flag(
            "streams_apart", f"frames or samples alone for {share:.0f} % of the session",
            value=share,
        )


def measure_unless_fresh(
    session_path: Path, *, limits: Limits, force: bool
) -> tuple[SessionQuality, bool]:
    """Give what was measured of this very recording by these limits; measure it where that is not
    so, or cannot be read.

    Returns
    -------
    the quality, and whether it was there already

    Raises
    ------
    SessionError : the session cannot be read
    """
    try:
        before = None if force else read_quality(session_path)
    except CurationError:
        before = None
    if (
        before is not None
        and before.limits_hash == limits.hash
        and before.acq_version == version("acq")
    ):
        with Session(session_path) as session:
            if session.content_hash() == before.session_hash:
                return before, True
    return measure(session_path, limits), False
