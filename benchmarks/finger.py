"""How soon a flat line or a lifted finger is detected, and how often one is that is none.

python -m benchmarks.finger [FOLDER]

FOLDER holds real recordings, ../shared/data unless given; without it there are virtual subjects
only.
"""

import csv
import sys
from pathlib import Path

import numpy as np

from acquire.sensor.finger import CLIPPED, FingerWatch
from acquire.simulation.subject import VirtualSubject

KINDS = (
    "constant", "noise as strong as the pulse", "quiet noise", "ramp of 0.3 s to another light",
    "the same with 120 Hz hum",
)
PER_TRACE = 6
LASTS_S = 5


def at_rate(x, fs_hz, rate_hz):
    """Average a trace down to another rate, as the firmware's windows do."""
    ends = np.interp(
        np.arange(int(len(x) / fs_hz * rate_hz) + 1) / rate_hz * fs_hz, np.arange(len(x) + 1),
        np.cumsum([0, *x]),
    )
    return np.diff(ends) / (fs_hz / rate_hz)


def load_ppg(folder):
    """Return name -> (values on the sensor's scale, rate [Hz]) of PPG with the finger always on."""
    ppg = {}
    for subject in ("S01", "S02", "S03", "S04"):
        noise = np.random.default_rng(0).normal(0, 60, 12_000)
        ppg[f"virtual {subject}"] = (
            26000 + 13000 * VirtualSubject(subject).ppg(np.arange(12_000) / 100) + noise, 100.0,
        )
    for path in sorted((folder / "finger_ppg_ecg").glob("*.csv")):
        trace = np.loadtxt(path, delimiter=",", usecols=2) * 16
        ppg[" ".join(path.name.split("_2026")[0].split("_"))] = (
            trace[: np.flatnonzero(trace > 0)[-1] - 25], 50.0,
        )
    for name, fs_hz in (("data", 100.0), ("data3", 100.4)):
        path = folder / "pulse_sensor_logs" / f"{name}.csv"
        if path.exists():
            with path.open() as file:
                values = [float(row[-1]) for row in list(csv.reader(file))[1:] if row and row[-1]]
            ppg[f"pulse sensor {name}"] = np.array(values) * 64, fs_hz
    path = folder / "real_face" / "ppg.csv"
    if path.exists():
        ppg["CMS50E"] = np.loadtxt(path, delimiter=",", skiprows=1, usecols=1) * 500, 19.85
    return ppg


def spoil(y, kind, rate_hz, first, rng):
    """Replace `LASTS_S` seconds by what a sensor without a finger gives."""
    y, last = y.copy(), first + LASTS_S * rate_hz
    t = np.arange(last - first) / rate_hz
    ramp = y[first] + (rng.uniform(0.1, 0.9) * 65535 - y[first]) * np.minimum(t / 0.3, 1)
    hum = 1500 * np.sin(2 * np.pi * 120 * t + rng.uniform(0, 6)) * np.sinc(120 / rate_hz)
    y[first:last] = (
        np.full(len(t), y[first]), y.mean() + rng.normal(0, y.std(), len(t)),
        y.mean() + rng.normal(0, 60, len(t)), ramp + rng.normal(0, 60, len(t)),
        ramp + hum + rng.normal(0, 60, len(t)),
    )[KINDS.index(kind)]
    return y


def detect(y, rate_hz):
    """Return when a state without a finger was detected to begin [s], and the watch."""
    watch, begins_s = FingerWatch(rate_hz), []
    for i, value in enumerate(y):
        for change in watch.add(i, int(min(max(value, 0), 65535)), 0, round(i * 1e9 / rate_hz)):
            if change.kind != CLIPPED and change.text == "begins":
                begins_s.append(i / rate_hz)
    return begins_s, watch


def main():
    folder = Path(sys.argv[1] if len(sys.argv) > 1 else "../shared/data")
    rng = np.random.default_rng(1)
    ppg = load_ppg(folder)
    print("| in place of the pulse, 25 and 100 Hz | stretches | detected | median s | slowest s |")
    print("|---|---|---|---|---|")
    for kind in KINDS:
        late, count = [], 0
        for x, fs_hz in ppg.values():
            for rate_hz in (25, 100):
                y = at_rate(x, fs_hz, rate_hz)[: 120 * rate_hz]
                for _ in range(PER_TRACE if len(y) > 60 * rate_hz else 1):
                    first = int(rng.uniform(0.4, 0.7) * len(y))
                    if first + LASTS_S * rate_hz > len(y):
                        continue
                    count += 1
                    seen = [
                        at - first / rate_hz
                        for at in detect(spoil(y, kind, rate_hz, first, rng), rate_hz)[0]
                    ]
                    late += [at for at in seen if -0.5 < at < LASTS_S][:1]
        print(f"| {kind} | {count} | {len(late)} | {np.median(late):.2f} | {max(late):.2f} |")
    print("\n| finger on the sensor throughout | minutes | reported as lifted | for s |")
    print("|---|---|---|---|")
    for name, (x, fs_hz) in ppg.items():
        y = at_rate(x, fs_hz, 25)
        begins_s, watch = detect(y, 25)
        print(
            f"| {name} | {len(y) / 25 / 60:.1f} | {len(begins_s)} | "
            f"{watch.seconds('finger_off', 'flat_line'):.1f} |"
        )
    print(f"| all | {sum(len(x) / fs_hz for x, fs_hz in ppg.values()) / 60:.1f} | | |")


if __name__ == "__main__":
    main()
