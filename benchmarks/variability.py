"""How right variability and breathing of a finger at 25 Hz are: the tables of docs/hrv.md.

    python -m benchmarks.variability [FOLDER]    two minutes of one core

Virtual people whose every beat is known, five minutes each, in two worlds; the same with breathing
that moves nothing, of whom no breath may be told; beats by their peaks or steepest rise instead of
their feet; and real fingers beside their ECG, where FOLDER (../shared/data) has them.
"""

import sys
import tempfile
from pathlib import Path

import numpy as np

from acquire.simulation.subject import VirtualSubject
from acquire.simulation.world import draw_world
from dataset.session.reader import Session
from dataset.variability import beats as beats_module
from dataset.variability.beats import GRID_HZ, find_beats
from dataset.variability.breathing import breathing_rate
from dataset.variability.measure import measure_variability
from dataset.variability.neurokit import load_neurokit
from tests.support.made_fingers import (
    FS_HZ,
    sampled,
    true_figures,
    without_breath,
    write_finger,
)

PEOPLE, SECONDS = 60, 300
FIGURES = ("mean NN [ms]", "SDNN [ms]", "RMSSD [ms]", "pNN50 [points]", "breaths [1/min]")


def people(world: str) -> list[VirtualSubject]:
    return [
        VirtualSubject(
            f"S{number:02d}", seed=7,
            world=None if world == "usual" else draw_world(f"S{number:02d}", seed=7, session=0),
        )
        for number in range(1, PEOPLE + 1)
    ]


def measure(person: VirtualSubject, seconds: int) -> tuple[object, np.ndarray]:
    """Return what is measured, and the truth: over the beats that a whole trace holds."""
    with tempfile.TemporaryDirectory() as folder:
        path = write_finger(Path(folder), sampled(person.ppg, seconds))
        with Session(path) as session:
            found = measure_variability(session)
    truth = true_figures(person.beat_times(1.0, seconds - 1.0))
    return found, np.array([*truth, 60 * person.heart.breath_hz])


def errors_of(world: str, seconds: int) -> None:
    rows, whys = [], []
    for person in people(world):
        found, truth = measure(person, seconds)
        told = [
            found.mean_nn_ms, found.sdnn_ms, found.rmssd_ms, found.pnn50_percent,
            found.breaths_per_min,
        ]
        rows.append([np.nan if value is None else value for value in told] - truth)
        whys.append(found.why_not)
    errors = np.array(rows)
    for name, column in zip(FIGURES, errors.T, strict=True):
        known = column[np.isfinite(column)]
        print(
            f"| {world}, {seconds} s | {name} | {len(known)} of {len(column)} | "
            f"{known.mean():+.2f} | {np.abs(known).mean():.2f} | {np.abs(known).max():.2f} |"
        )
    for why in sorted({why for why in whys if why}):
        print(f"  {whys.count(why)}: {why}")


def told_without_breath(seconds: int) -> None:
    told = 0
    for person in people("usual"):
        values = sampled(without_breath(person.heart).ppg, seconds).astype(float)
        beats = find_beats(values, np.arange(len(values)) / FS_HZ)
        told += breathing_rate([beats])[0] is not None
    print(f"no breath in the pulse, {seconds} s: {told} of {PEOPLE} told")


def by_other_points() -> None:
    """Print the error of RMSSD where a beat's time is its foot, its steepest rise or its peak."""

    def steepest(clean: np.ndarray, peak: int) -> float:
        first = max(peak - round(0.35 * GRID_HZ), 1)
        at = first + int(np.argmax(np.diff(clean[first : peak + 1])))
        before, here, after = np.diff(clean[at - 1 : at + 3])
        bend = before - 2 * here + after
        return at + 0.5 + (0.5 * (before - after) / bend if bend else 0.0)

    def highest(clean: np.ndarray, peak: int) -> float:
        before, here, after = clean[peak - 1 : peak + 2]
        return peak + 0.5 * (before - after) / (before - 2 * here + after)

    foot = beats_module._foot
    for name, point in (("foot", foot), ("steepest rise", steepest), ("peak", highest)):
        beats_module._foot = point
        off = []
        for person in people("usual")[:24]:
            values = sampled(person.ppg, SECONDS).astype(float)
            found = find_beats(values, np.arange(len(values)) / FS_HZ)
            truth = true_figures(person.beat_times(1.0, SECONDS - 1.0))
            off.append(true_figures(found.t_s)[2] - truth[2])
        mean, most = np.abs(off).mean(), np.abs(off).max()
        print(f"beats by their {name}: RMSSD off by {mean:.2f} ms, most {most:.2f}")
    beats_module._foot = foot


def real_fingers(folder: Path) -> None:
    """Print the figures of real fingers at 25 Hz beside those of the ECG at 50 Hz."""
    from scipy.interpolate import make_interp_spline

    neurokit2 = load_neurokit()
    print("| finger | mean NN, finger / ECG | SDNN | RMSSD | breaths |\n|---|---|---|---|---|")
    for path in sorted(folder.glob("finger_ppg_ecg/*_static_*.csv")):
        columns = np.genfromtxt(path, delimiter=",")
        last = int(np.flatnonzero(columns[:, 2] > 0)[-1]) - 25
        ecg_s = np.arange(0, (last - 1) / 50, 1 / 500)
        ecg = make_interp_spline(np.arange(last) / 50, columns[:last, 3], k=9)(ecg_s)
        clean = neurokit2.ecg_clean(ecg, sampling_rate=500)
        peaks_s = neurokit2.ecg_peaks(clean, sampling_rate=500)[1]["ECG_R_Peaks"] / 500
        pairs = last // 2
        ppg = columns[: 2 * pairs, 2].reshape(pairs, 2).mean(axis=1)
        beats = find_beats(ppg, np.arange(pairs) / FS_HZ)
        inside = peaks_s[(peaks_s > beats.t_s[0] - 0.5) & (peaks_s < beats.t_s[-1])]
        cells = [
            f"{finger:.1f} / {heart:.1f}"
            for finger, heart in zip(_normal(beats.t_s), _normal(inside), strict=True)
        ]
        rate, why = breathing_rate([beats])
        breaths = why if rate is None else f"{rate:.1f}"
        print(f"| {path.name[:18]} | {' | '.join(cells)} | {breaths} |")


def _normal(beats_s: np.ndarray) -> tuple[float, float, float]:
    intervals_ms = np.diff(beats_s) * 1e3
    is_normal = np.abs(intervals_ms / np.median(intervals_ms) - 1) < 0.3
    changes = np.diff(intervals_ms)[is_normal[1:] & is_normal[:-1]]
    kept = intervals_ms[is_normal]
    return float(kept.mean()), float(kept.std(ddof=1)), float(np.sqrt(np.mean(changes**2)))


def main() -> None:
    print("| people | figure | told | bias | mean error | largest |\n|---|---|---|---|---|---|")
    errors_of("usual", SECONDS)
    errors_of("usual", 90)
    errors_of("varied", SECONDS)
    told_without_breath(SECONDS)
    told_without_breath(90)
    by_other_points()
    real_fingers(Path(sys.argv[1] if len(sys.argv) > 1 else "../shared/data"))


if __name__ == "__main__":
    main()
