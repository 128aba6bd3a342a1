"""Which heart rates are told of pulses of known rate, of noise, and of real fingers beside an ECG.

python -m benchmarks.heart_rate [FOLDER]

FOLDER holds real recordings, ../shared/data unless given; without it there are made traces only.
"""

import sys
from pathlib import Path

import numpy as np
from scipy import signal

from dataset.signals.filters import bandpass, heart_rate
from dataset.signals.finger_rates import finger_rates
from dataset.signals.pulse_rate import finger_rate
from tests.support.pulse_shapes import NOISES, make_noise, make_ppg

RATES_BPM = (30, 35, 38, 41, 50, 72, 130, 200, 240)
SHAPES = {
    "dicrotic 0.4": {}, "dicrotic 0.9": {"dicrotic": 0.9}, "beats vary": {"variation": 0.05},
    "noise 0.7": {"noise": 0.7}, "jitter 10 ms": {"jitter_s": 0.01},
    "breath of 33": {"breath_hz": 0.55, "baseline": 0.8}, "derivative": {"is_derivative": True},
}
NARROW = "0.8 to 1.8 Hz"
FS_HZ, TRIES = 25, 30


def sweep(filtered: bool) -> None:
    rng = np.random.default_rng(0)
    for name, shape in SHAPES.items():
        cells = []
        for bpm in RATES_BPM:
            told = []
            for _ in range(TRIES):
                trace = make_ppg(bpm, FS_HZ, 30, rng, **shape)
                if filtered:
                    trace = bandpass(trace, FS_HZ)
                window = trace[10 * FS_HZ : 20 * FS_HZ]
                told.append(finger_rate(window, FS_HZ, filtered=filtered).bpm)
            known = np.array(told)[np.isfinite(told)]
            wrong = np.mean(np.abs(known / bpm - 1) > 0.1) if len(known) else 0.0
            cells.append(f"{bpm}: {100 * len(known) / TRIES:.0f}, {100 * wrong:.0f} %")
        print(f"{name}{', filtered' if filtered else ''}: {'; '.join(cells)}")


def noises(filtered: bool) -> None:
    rng = np.random.default_rng(1)
    for kind in (*NOISES, NARROW):
        windows, sessions = [], []
        for _ in range(TRIES):
            trace = make_noise("white" if kind == NARROW else kind, FS_HZ, 40, rng)
            if kind == NARROW:
                trace = bandpass(trace, FS_HZ, low_hz=0.8, high_hz=1.8)
            if filtered:
                trace = bandpass(trace, FS_HZ)
            rates = finger_rates(trace, FS_HZ, filtered=filtered)
            sessions.append(rates.mean_bpm is not None)
            windows += [
                finger_rate(trace[at : at + 10 * FS_HZ], FS_HZ, filtered=filtered).why_not == ""
                for at in range(0, len(trace), 10 * FS_HZ)
            ]
        print(
            f"{kind}{', filtered' if filtered else ''}: {100 * np.mean(windows):.0f} % of windows, "
            f"{100 * np.mean(sessions):.0f} % of sessions"
        )


def find_beats_s(ecg: np.ndarray, fs_hz: float) -> np.ndarray:
    """Return the times of an ECG's R peaks [s]."""
    sections = signal.butter(2, (5, 18), "bandpass", fs=fs_hz, output="sos")
    power = signal.sosfiltfilt(sections, ecg - ecg.mean()) ** 2
    smooth = np.convolve(power, np.ones(4) / 4, "same")
    peaks, _ = signal.find_peaks(
        smooth, distance=int(0.3 * fs_hz), height=np.percentile(smooth, 90) / 2
    )
    return peaks / fs_hz


def real_fingers(folder: Path) -> None:
    for path in sorted(folder.glob("finger_ppg_ecg/*.csv")):
        columns, fs_hz = np.genfromtxt(path, delimiter=","), 50.0
        beats_s = find_beats_s(columns[:, 3], fs_hz)
        rows = []
        for at in range(0, len(columns) - 500, 250):
            steps = np.diff(beats_s[(beats_s >= at / fs_hz) & (beats_s < at / fs_hz + 10)])
            if len(steps) < 4 or steps.std() > 0.2 * steps.mean():
                continue
            ppg, true_bpm = columns[at : at + 500, 2], 60 / steps.mean()
            rows.append(
                (finger_rate(ppg, fs_hz).bpm - true_bpm, heart_rate(ppg, fs_hz) - true_bpm)
            )
        new, old = np.array(rows).T
        known = new[np.isfinite(new)]
        print(
            f"{path.name[:20]}: {100 * len(known) / len(new):.0f} % told, "
            f"{100 * np.mean(np.abs(known) > 6):.0f} % of them off; the highest peak "
            f"{100 * np.mean(np.abs(old) > 6):.0f} % off"
        )


if __name__ == "__main__":
    for is_filtered in (False, True):
        sweep(is_filtered)
        noises(is_filtered)
    real_fingers(Path(sys.argv[1] if len(sys.argv) > 1 else "../shared/data"))
