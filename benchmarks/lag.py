"""How well `acq qc` tells the lag of the face behind the finger, and a clock's rate, on virtual
subjects.

    python -m benchmarks.lag            eight subjects, three sessions of 60 s each: about ten
    minutes of one core python -m benchmarks.lag --quick    four subjects, three sessions of 30 s
    each

Clean sessions are measured as they are: whatever is flagged there is a false alarm. Then the frames
of one session after another are stamped late or early, or one stream's times are stretched, and it
is measured again beside the subject's other sessions. Pictures are decoded once, and the columns
are changed in memory of the measurement: what is measured is the code of `acq qc`.
"""

import sys
import tempfile
import time
from dataclasses import replace
from pathlib import Path

import numpy as np

from acquire.simulation.sessions import SimulatedSession, write_session
from dataset.quality.across_sessions import flag_across_sessions
from dataset.quality.limits import read_limits
from dataset.quality.measure import measure_session
from dataset.quality.measurements import Measurements
from dataset.quality.pulses import measure_pulses
from dataset.quality.result import SessionQuality
from dataset.quality.video import read_pictures
from dataset.session.reader import Session
from dataset.signals.stamp_drift import measure_stamp_drift
from dataset.signals.lag import face_pulse, finger_pulse

OFFSETS_MS = (-100.0, -33.3, 33.3, 66.7, 200.0)
RATES_PERCENT = (-0.1, 0.1, 0.3)


class Kept:
    """One session: its quality, and what another measurement of it needs."""

    def __init__(self, path: Path) -> None:
        seen = []

        def look(session: Session):
            seen.append(read_pictures(session))
            return seen[0]

        import dataset.quality.measure

        dataset.quality.measure.read_pictures = look
        used_s = time.process_time()
        self.quality, _ = measure_session(path, read_limits())
        self.used_s = time.process_time() - used_s
        with Session(path) as session:
            start = session.started_monotonic_ns
            self.frame_s, self.sample_s = (
                (session.frame_time_ns - start) / 1e9, (session.ppg_time_ns - start) / 1e9,
            )
            self.frame_arrival_s = (session.frame_arrival_ns - start) / 1e9
            self.sample_arrival_s = (session.ppg_arrival_ns - start) / 1e9
            there = np.isfinite(seen[0].patches[:, 0, 0])
            self.face = face_pulse(seen[0].patches[there], self.frame_s[there], fps=session.fps)
            self.finger = finger_pulse(session.ppg, self.sample_s)

    def shifted(self, offset_s: float, *, from_s: float = 0.0) -> SessionQuality:
        """Measure the pulses with the frames' stamps off by `offset_s`, from `from_s` on."""
        measured = Measurements(read_limits())
        face = self.face
        if from_s == 0.0:
            face = replace(face, first_s=face.first_s + offset_s)
        else:
            later = np.interp(face.t_s - offset_s, face.t_s, face.values)
            face = replace(
                face, values=np.where(face.t_s < from_s + max(offset_s, 0), face.values, later)
            )
        measure_pulses(face, self.finger, [], measured)
        return replace(self.quality, flags=tuple(measured.flags), measures=measured.measures)


def main() -> None:
    """Print the tables."""
    quick = "--quick" in sys.argv
    subjects, sessions, seconds = (4, 3, 30.0) if quick else (8, 3, 60.0)
    limits = read_limits()
    kept: dict[str, list[Kept]] = {}
    with tempfile.TemporaryDirectory() as folder:
        for n in range(1, subjects + 1):
            for day in range(sessions):
                path = write_session(
                    SimulatedSession(f"S{n:02d}", day, 0, seconds, 25.0), Path(folder)
                )
                kept.setdefault(f"S{n:02d}", []).append(Kept(path))
                path.unlink()
    every = [one for group in kept.values() for one in group]

    print(
        f"{len(every)} clean sessions of {seconds:g} s, {subjects} virtual subjects; "
        f"{np.median([one.used_s for one in every]) / seconds * 60:.1f} s of processor time per "
        "minute of video\n"
    )
    print(
        "| subject | lag in each session [ms] | standard error [ms] | correlation "
        "|\n|---|---|---|---|"
    )
    for name, group in kept.items():
        told = [
            [one.quality.measures.get(key) for one in group]
            for key in ("lag_ms", "lag_error_ms", "lag_r")
        ]
        lags, errors, r = (
            ", ".join("-" if v is None else f"{v:.{d}f}" for v in row)
            for row, d in zip(told, (0, 1, 2), strict=True)
        )
        print(f"| {name} | {lags} | {errors} | {r} |")
    alarms = [flag for name, group in kept.items() for flag in _flags(group, {}, limits)]
    print(
        "\nFalse alarms in clean sessions (lag_low, lag_high, lag_step, lag_subject): "
        f"{len(alarms)}"
        + "".join(f"\n- {session}: {text}" for session, _, text, _ in alarms)
    )
    others = [
        (one.quality.session, flag.text)
        for one in every
        for flag in one.quality.flags
        if not flag.kind.startswith("lag")
    ]
    print(
        f"\nOther flags: {len(others)}"
        + "".join(f"\n- {session}: {text}" for session, text in others)
    )

    print(
        "\n| injected | in | found | error against the subject's other sessions, median and "
        "largest [ms] |"
        " error against the same session, largest [ms] |\n|---|---|---|---|---|"
    )
    for offset_ms in OFFSETS_MS:
        found, errors, own, asked = 0, [], [], 0
        for group in kept.values():
            for at, one in enumerate(group):
                if one.quality.measures.get("lag_ms") is None:
                    continue
                asked += 1
                wrong = one.shifted(offset_ms / 1e3)
                raised = {
                    kind: value
                    for session, kind, _, value in _flags(group, {at: wrong}, limits)
                    if session == one.quality.session
                }
                found += bool(raised)
                if "lag_subject" in raised:
                    errors.append(abs(raised["lag_subject"] - offset_ms))
                if wrong.measures.get("lag_ms") is not None:
                    own.append(
                        abs(wrong.measures["lag_ms"] - one.quality.measures["lag_ms"] - offset_ms)
                    )
        spread = f"{np.median(errors):.1f}, {max(errors):.1f}" if errors else "-"
        print(
            f"| {offset_ms:+.1f} ms | {asked} | {found} | {spread} | "
            f"{max(own, default=float('nan')):.1f} |"
        )

    if not quick:
        print("\n| step halfway | in | found | error, median and largest [ms] |\n|---|---|---|---|")
        for offset_ms in (-33.3, 33.3, 100.0):
            told = [
                flag.value - offset_ms
                for one in every
                if one.quality.measures.get("lag_ms") is not None
                for flag in one.shifted(offset_ms / 1e3, from_s=seconds / 2).flags
                if flag.kind == "lag_step"
            ]
            asked = sum(one.quality.measures.get("lag_ms") is not None for one in every)
            spread = f"{np.median(np.abs(told)):.1f}, {np.abs(told).max():.1f}" if told else "-"
            print(f"| {offset_ms:+.1f} ms | {asked} | {len(told)} | {spread} |")

    print("\n| clock stretched by | streams | found | error, largest [%] |\n|---|---|---|---|")
    for percent in (0.0, *RATES_PERCENT):
        errors, found = [], 0
        streams = [(one.frame_s, one.frame_arrival_s) for one in every] + [
            (one.sample_s, one.sample_arrival_s) for one in every
        ]
        for t_s, arrival_s in streams:
            error = measure_stamp_drift(t_s[0] + (t_s - t_s[0]) * (1 + percent / 100), arrival_s).rate_error
            found += abs(100 * error) > limits["ppg_rate_error"]
            errors.append(abs(100 * error - percent))
        print(f"| {percent:+.1f} % | {len(streams)} | {found} | {max(errors):.4f} |")


def _flags(
    group: list[Kept], other: dict[int, SessionQuality], limits
) -> list[tuple[str, str, str, float]]:
    """Give session, kind, text and value of each flag about a lag, of one subject's sessions, some
    of them measured otherwise.
    """
    qualities = {Path(str(at)): other.get(at, one.quality) for at, one in enumerate(group)}
    compared = flag_across_sessions(qualities, [], limits)
    return [
        (q.session, flag.kind, flag.text, flag.value)
        for q in compared.values()
        for flag in q.flags
        if flag.kind.startswith("lag")
    ]


if __name__ == "__main__":
    main()
