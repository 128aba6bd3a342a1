"""The quality of one session, measured in one pass over its pictures.

Streams, finger, face and the two pulses are measured one after another, each in a file of its own;
each flag names the limit that was passed. The grade follows from the flags alone: a failure makes a
session bad, a warning usable, a note nothing.
"""

from concurrent.futures import Executor
from importlib.metadata import version
from pathlib import Path

import cv2
import numpy as np

from acquire.pool import open_threads
from dataset.session.heart_rate import PpgRates, measure_ppg_rates
from dataset.session.reader import Session
from dataset.signals.align import BRIDGE_S
from dataset.signals.lag import LONGEST_HOLE_S, PulseWave, face_pulse, finger_pulse

from .curves import Curve
from .face import measure_face
from .grade import grade_of, join_many, sort_flags
from .limits import Limits
from .measurements import Measurements
from .ppg import measure_ppg
from .pulses import measure_pulses
from .result import SessionQuality
from .timing import measure_length, measure_timing
from .video import scan_frames


def measure_session(session_path: Path, limits: Limits) -> tuple[SessionQuality, dict[str, Curve]]:
    """Measure a session and grade it; return its quality and the curves behind it.

    Raises
    ------
    SessionError : it cannot be read
    """
    cv2.setNumThreads(1)            # more sessions at once are more processes
    measured = Measurements(limits)
    with Session(session_path) as session, open_threads(1) as beside:
        session_hash = _measure(session, measured, beside)
        flags = join_many(measured.flags)
        quality = SessionQuality(
            session=session.session_id, subject=session.subject,
            session_hash=session_hash, simulated=session.simulated,
            duration_s=session.duration_s, grade=grade_of(flags),
            flags=sort_flags(flags), measures=measured.measures, limits_hash=limits.hash,
            acq_version=version("acq"),
        )
    return quality, measured.curves


def _measure(session: Session, measured: Measurements, beside: Executor) -> str:
    """Measure all there is, and return the session's hash.

    The pictures are looked at in a thread beside the finger, and hashed in it beside what follows
    from them: HDF5 reads for one thread at a time.
    """
    scanned, hashed = beside.submit(scan_frames, session), beside.submit(session.content_hash)
    start_ns = session.started_monotonic_ns
    frame_s = (session.frame_time_ns - start_ns) / 1e9
    sample_s = (session.ppg_time_ns - start_ns) / 1e9
    measure_timing(session, measured)
    measure_length(frame_s, sample_s, measured)
    rates = measure_ppg_rates(session)         # kept: a list of many sessions reads them here
    measured.add_measure("ppg_rate_hz", rates.rate_hz)
    measured.add_measure("ppg_hr_bpm", rates.hr_bpm)
    finger = finger_pulse(session.ppg, sample_s) if _rises(sample_s) else None
    poor = measure_ppg(session, finger, measured)
    _flag_untold(rates, measured, has_samples=len(sample_s) > 0)
    pictures = scanned.result()
    aspect = session.frames.width / session.frames.height
    measure_face(pictures, frame_s, aspect=aspect, measured=measured)
    patches = pictures.patches
    del pictures, scanned           # of four hours 80 MB, before the pulses of the patches take 120
    face, light_s = _face_pulse(session, patches)
    del patches
    measure_pulses(face, finger, [*poor, *_holes(light_s), *_holes(sample_s)], measured)
    return hashed.result()


def _flag_untold(rates: PpgRates, measured: Measurements, *, has_samples: bool) -> None:
    """Flag a finger whose heart rate cannot be told, with the commonest reason."""
    without = measured.measures["no_finger_percent"] or 0.0
    untold = max(0.0, 100 - rates.told_percent - without)
    measured.add_measure("rate_untold_percent", untold)
    if untold > measured.limits["rate_untold"] and has_samples:
        text = f"a finger, but its heart rate cannot be told, in {untold:.0f} % of the session"
        measured.add_flag("rate_untold", f"{text}: {rates.why_not}", value=untold)


def _face_pulse(session: Session, patches: np.ndarray) -> tuple[PulseWave | None, np.ndarray]:
    """Return the face's pulse, and when the light of its frames fell [s]."""
    is_seen = np.isfinite(patches[:, 0, 0])
    first = len(is_seen) - int(np.count_nonzero(is_seen))
    # mostly all from the first face on, and a slice copies nothing
    seen = np.s_[first:] if is_seen[first:].all() else is_seen
    light_s = (session.frame_light_ns - session.started_monotonic_ns)[seen] / 1e9
    if not _rises(light_s):
        return None, light_s
    steps_s = np.diff(session.frame_time_ns) / 1e9
    steps_s = steps_s[(steps_s > 0) & (steps_s <= LONGEST_HOLE_S)]
    fps = len(steps_s) / float(steps_s.sum()) if len(steps_s) else 0.0
    return face_pulse(patches[seen], light_s, fps=fps), light_s


def _rises(t_s: np.ndarray) -> bool:
    return len(t_s) > 1 and bool((np.diff(t_s) > 0).all())


def _holes(t_s: np.ndarray) -> list[tuple[float, float]]:
    """Return the stretches without a value that are too long to interpolate across."""
    return [(float(t_s[i]), float(t_s[i + 1])) for i in np.flatnonzero(np.diff(t_s) > BRIDGE_S)]
