"""How well `acq qc` measures the lag of the face behind the finger, and a stream's rate.

    python -m benchmarks.lag            eight virtual subjects, three sessions of 60 s each: about
                                        ten minutes of one core
    python -m benchmarks.lag --quick    four virtual subjects, three sessions of 30 s each

Clean sessions are measured as they are: every flag there is a false alarm. Then the frames of one
session after another are stamped late or early, or one stream's times are stretched, and it is
measured again beside the subject's other sessions. Pictures are decoded once, and the columns are
changed in memory: what is measured is the code of `acq qc`.
"""

import sys
import tempfile
import time
from dataclasses import replace
from pathlib import Path

import numpy as np

import dataset.quality.measure
from acquire.simulation.sessions import SimulatedSession, simulate_session
from dataset.quality.across_sessions import flag_across_sessions
from dataset.quality.limits import read_limits
from dataset.quality.measure import measure_session
from dataset.quality.measurements import Measurements
from dataset.quality.pulses import measure_pulses
from dataset.quality.result import Flag, SessionQuality
from dataset.quality.video import scan_frames
from dataset.session.reader import Session
from dataset.signals.lag import face_pulse, finger_pulse
from dataset.signals.stamp_drift import measure_stamp_drift

OFFSETS_MS = (-100.0, -33.3, 33.3, 66.7, 200.0)
STEPS_MS = (-33.3, 33.3, 100.0)
RATES_PERCENT = (0.0, -0.1, 0.1, 0.3)
LIMITS = read_limits()


class MeasuredSession:
    """One session: its quality, and what another measurement of it needs."""

    def __init__(self, path: Path) -> None:
        all_pictures = []

        def keep_pictures(session: Session):
            all_pictures.append(scan_frames(session))
            return all_pictures[0]

        dataset.quality.measure.scan_frames = keep_pictures
        used_s = time.process_time()
        self.quality, _ = measure_session(path, LIMITS)
        self.used_s = time.process_time() - used_s
        patches = all_pictures[0].patches
        with Session(path) as session:
            start = session.started_monotonic_ns
            self.frame_s = (session.frame_time_ns - start) / 1e9
            self.sample_s = (session.ppg_time_ns - start) / 1e9
            self.frame_arrival_s = (session.frame_arrival_ns - start) / 1e9
            self.sample_arrival_s = (session.ppg_arrival_ns - start) / 1e9
            has_face = np.isfinite(patches[:, 0, 0])
            self.face = face_pulse(patches[has_face], self.frame_s[has_face], fps=session.fps)
            self.finger = finger_pulse(session.ppg, self.sample_s)

    @property
    def lag_ms(self) -> float | None:
        """The lag that was measured."""
        return self.quality.measures.get("lag_ms")

    def shifted(self, offset_s: float, *, from_s: float = 0.0) -> SessionQuality:
        """Measure the pulses with the frames' stamps off by `offset_s`, from `from_s` on."""
        measured = Measurements(LIMITS)
        face = self.face
        if from_s == 0.0:
            face = replace(face, first_s=face.first_s + offset_s)
        else:
            later = np.interp(face.t_s - offset_s, face.t_s, face.values)
            is_before = face.t_s < from_s + max(offset_s, 0)
            face = replace(face, values=np.where(is_before, face.values, later))
        measure_pulses(face, self.finger, [], measured)
        return replace(self.quality, flags=tuple(measured.flags), measures=measured.measures)


def main() -> None:
    """Print the tables."""
    is_quick = "--quick" in sys.argv
    subjects, days, seconds = (4, 3, 30.0) if is_quick else (8, 3, 60.0)
    by_subject: dict[str, list[MeasuredSession]] = {}
    with tempfile.TemporaryDirectory() as folder:
        for subject in (f"S{n:02d}" for n in range(1, subjects + 1)):
            for day in range(days):
                path = simulate_session(
                    SimulatedSession(subject, day, 0, seconds, 25.0), Path(folder)
                )
                by_subject.setdefault(subject, []).append(MeasuredSession(path))
                path.unlink()
    sessions = [session for group in by_subject.values() for session in group]
    used_s = np.median([session.used_s for session in sessions]) / seconds * 60
    print(
        f"{len(sessions)} clean sessions of {seconds:g} s, {subjects} virtual subjects; "
        f"{used_s:.1f} s of processor time per minute of video\n"
    )
    print_clean_sessions(by_subject)
    print_shifted_sessions(list(by_subject.values()))
    if not is_quick:
        print_steps(sessions, halfway_s=seconds / 2)
    print_stretched_clocks(sessions)


def print_clean_sessions(by_subject: dict[str, list[MeasuredSession]]) -> None:
    """Print the lags of sessions as they are, and their flags."""
    print(
        "| subject | lag in each session [ms] | standard error [ms] | correlation "
        "|\n|---|---|---|---|"
    )
    for subject, group in by_subject.items():
        cells = []
        for key, digits in (("lag_ms", 0), ("lag_error_ms", 1), ("lag_r", 2)):
            values = [session.quality.measures.get(key) for session in group]
            cells.append(", ".join("-" if v is None else f"{v:.{digits}f}" for v in values))
        print(f"| {subject} | {' | '.join(cells)} |")
    alarms = [
        f"\n- {session}: {flag.text}"
        for group in by_subject.values() for session, flag in lag_flags(group, {})
    ]
    print(
        "\nFalse alarms in clean sessions (lag_low, lag_high, lag_step, lag_subject): "
        f"{len(alarms)}{''.join(alarms)}"
    )
    others = [
        f"\n- {session.quality.session}: {flag.text}"
        for group in by_subject.values() for session in group for flag in session.quality.flags
        if not flag.kind.startswith("lag")
    ]
    print(f"\nOther flags: {len(others)}{''.join(others)}")


def print_shifted_sessions(groups: list[list[MeasuredSession]]) -> None:
    """Print how many sessions with stamps off by an offset are flagged, and how exactly."""
    print(
        "\n| injected | in | found | error against the subject's other sessions, median and "
        "largest [ms] |"
        " error against the same session, largest [ms] |\n|---|---|---|---|---|"
    )
    for offset_ms in OFFSETS_MS:
        flagged, errors, own_errors, shifted = 0, [], [], 0
        for group in groups:
            for at, session in enumerate(group):
                if session.lag_ms is None:
                    continue
                shifted += 1
                wrong = session.shifted(offset_ms / 1e3)
                by_kind = {
                    flag.kind: flag.value for name, flag in lag_flags(group, {at: wrong})
                    if name == session.quality.session
                }
                flagged += bool(by_kind)
                if "lag_subject" in by_kind:
                    errors.append(abs(by_kind["lag_subject"] - offset_ms))
                if (wrong_ms := wrong.measures.get("lag_ms")) is not None:
                    own_errors.append(abs(wrong_ms - session.lag_ms - offset_ms))
        print(
            f"| {offset_ms:+.1f} ms | {shifted} | {flagged} | {spread(errors)} | "
            f"{max(own_errors, default=float('nan')):.1f} |"
        )


def print_steps(sessions: list[MeasuredSession], *, halfway_s: float) -> None:
    """Print how many steps of the stamps are flagged, and how exactly."""
    print("\n| step halfway | in | found | error, median and largest [ms] |\n|---|---|---|---|")
    with_lag = [session for session in sessions if session.lag_ms is not None]
    for step_ms in STEPS_MS:
        errors = [
            abs(flag.value - step_ms)
            for session in with_lag
            for flag in session.shifted(step_ms / 1e3, from_s=halfway_s).flags
            if flag.kind == "lag_step"
        ]
        print(f"| {step_ms:+.1f} ms | {len(with_lag)} | {len(errors)} | {spread(errors)} |")


def print_stretched_clocks(sessions: list[MeasuredSession]) -> None:
    """Print how many streams with stretched stamps are flagged, and how exactly."""
    print("\n| clock stretched by | streams | found | error, largest [%] |\n|---|---|---|---|")
    streams = [(session.frame_s, session.frame_arrival_s) for session in sessions] + [
        (session.sample_s, session.sample_arrival_s) for session in sessions
    ]
    for percent in RATES_PERCENT:
        measured = [
            100 * measure_stamp_drift(
                t_s[0] + (t_s - t_s[0]) * (1 + percent / 100), arrival_s
            ).rate_error
            for t_s, arrival_s in streams
        ]
        flagged = sum(abs(error) > LIMITS["ppg_rate_error"] for error in measured)
        largest = max(abs(error - percent) for error in measured)
        print(f"| {percent:+.1f} % | {len(streams)} | {flagged} | {largest:.4f} |")


def lag_flags(
    group: list[MeasuredSession], replaced: dict[int, SessionQuality]
) -> list[tuple[str, Flag]]:
    """Return session and flag of each flag about a lag, of one subject's sessions.

    Parameters
    ----------
    replaced : the quality of some sessions, by their index, measured otherwise
    """
    qualities = {
        Path(str(at)): replaced.get(at, session.quality) for at, session in enumerate(group)
    }
    compared = flag_across_sessions(qualities, [], LIMITS)
    return [
        (quality.session, flag) for quality in compared.values() for flag in quality.flags
        if flag.kind.startswith("lag")
    ]


def spread(errors: list[float]) -> str:
    """Return the median and the largest of some errors; a dash where there are none."""
    return f"{np.median(errors):.1f}, {max(errors):.1f}" if errors else "-"


if __name__ == "__main__":
    main()
