"""Estimators of a sample's time against the truth, on simulated plants.

`python -m benchmarks.clock`: 10-minute plants, seeded, eight of each kind, 1.1 million samples, and
ours while recording on two of each; `--quick`: one of each. A certificate is the bound that ours
gives; `inside` counts the samples whose truth lies within theirs. `without` are samples that came
before a boot's first answered ping: they have no certificate while recording.
"""

import argparse
import math
from collections.abc import Callable
from dataclasses import replace

import numpy as np

from acquire.clock.place_samples import place_samples
from acquire.layout import BOOT_TICKS
from benchmarks.plants import PLANTS, RATE_HZ, TICK_HZ, Made, make, place_live

BURST = 8
_HALF_WINDOW_NS = 1e9 / RATE_HZ / 2


def per_boot(estimate: Callable[[Made], np.ndarray]) -> Callable[[Made], np.ndarray]:
    """Apply an estimator that knows no boots to one boot at a time."""

    def each(made: Made) -> np.ndarray:
        time_ns = np.empty(len(made.ticks))
        for boot in np.unique(made.ticks // BOOT_TICKS):
            samples = made.ticks // BOOT_TICKS == boot
            exchanges = made.exchanges[made.exchanges["rx_ticks"] // BOOT_TICKS == boot]
            time_ns[samples] = estimate(
                replace(
                    made, exchanges=exchanges, ticks=made.ticks[samples],
                    arrival_ns=made.arrival_ns[samples],
                )
            )
        return time_ns

    return each


def arrival(made: Made) -> np.ndarray:
    """Return the arrival of a sample's packet, less half a window: what a plain script has."""
    return made.arrival_ns - _HALF_WINDOW_NS


@per_boot
def line(made: Made) -> np.ndarray:
    """Fit a line through the arrivals."""
    x = (made.ticks - made.ticks[0]) / TICK_HZ
    slope, offset = np.polyfit(x, made.arrival_ns - made.arrival_ns[0] - x * 1e9, 1)
    return made.arrival_ns[0] + x * 1e9 + slope * x + offset - _HALF_WINDOW_NS


def _interpolate(made: Made, ticks: np.ndarray, ns: np.ndarray) -> np.ndarray:
    """Return the samples' host times by straight lines between points."""
    x, residual = (ticks - ticks[0]) / TICK_HZ, ns - ns[0] - (ticks - ticks[0]) / TICK_HZ * 1e9
    at = (made.ticks - ticks[0]) / TICK_HZ
    return ns[0] + at * 1e9 + np.interp(at, x, residual)


def _midpoints(exchanges: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    return (exchanges["rx_ticks"] + exchanges["tx_ticks"]) / 2, (
        exchanges["send_ns"] + exchanges["recv_ns"]
    ) / 2


@per_boot
def ntp(made: Made) -> np.ndarray:
    """Take the middle of each exchange for the same moment on both sides, as NTP does."""
    return _interpolate(made, *_midpoints(made.exchanges))


@per_boot
def minimum_round_trip(made: Made) -> np.ndarray:
    """Take the middle of the quickest of each eight exchanges, as LSL does."""
    count = len(made.exchanges) // BURST * BURST
    bursts = made.exchanges[:count].reshape(-1, BURST)
    quickest = np.argmin(bursts["recv_ns"] - bursts["send_ns"], axis=1)
    return _interpolate(made, *_midpoints(bursts[np.arange(len(bursts)), quickest]))


@per_boot
def klipper(made: Made) -> np.ndarray:
    """Put one exchange a second into a decaying regression, as Klipper's clocksync.py does.

    It is shifted by the least half round trip. A sample is placed by what was known when it came;
    the first minute, in which the regression settles, does not count. The exchange is the first of
    each burst of pings.
    """
    decay, aging = 1 / 30, 10e-6 / 3600
    asked = made.exchanges[::BURST]
    origin_ns, origin_ticks = int(asked["send_ns"][0]), int(asked["rx_ticks"][0])
    sent_s, clock = (
        (asked["send_ns"] - origin_ns) * 1e-9, (asked["rx_ticks"] - origin_ticks).astype(float),
    )
    half_s = (asked["recv_ns"] - asked["send_ns"]) * 0.5e-9
    time_avg, clock_avg, time_var, covariance, frequency = (
        float(sent_s[0]), float(clock[0]), 0.0, 0.0, float(TICK_HZ),
    )
    prediction_var, last_s = (0.001 * TICK_HZ) ** 2, float(sent_s[0])
    best_s, best_at = math.inf, 0.0
    known = []
    for sent, ticks, half in zip(sent_s.tolist(), clock.tolist(), half_s.tolist(), strict=True):
        if half < best_s + (sent - best_at) * aging:
            best_s, best_at = half, sent
        expected = (sent - time_avg) * frequency + clock_avg
        off = (ticks - expected) ** 2
        outlier = off > 25 * prediction_var and off > (0.0005 * TICK_HZ) ** 2
        if not (outlier and ticks > expected and sent < last_s + 10):
            if outlier:
                prediction_var = (0.001 * TICK_HZ) ** 2
            else:
                last_s = sent
                prediction_var = (1 - decay) * (prediction_var + off * decay)
            ahead, more = sent - time_avg, ticks - clock_avg
            time_avg += decay * ahead
            time_var = (1 - decay) * (time_var + ahead**2 * decay)
            clock_avg += decay * more
            covariance = (1 - decay) * (covariance + ahead * more * decay)
            frequency = covariance / time_var if time_var else frequency
        known.append((time_avg + best_s, clock_avg, frequency))
    at = np.clip(np.searchsorted(asked["recv_ns"], made.arrival_ns) - 1, 0, None)
    host_s, clock_at, hz = np.array(known)[at].T
    time_ns = origin_ns + (host_s + (made.ticks - origin_ticks - clock_at) / hz) * 1e9
    return np.where(made.arrival_ns > origin_ns + 60e9, time_ns, np.nan)


def live(made: Made) -> tuple[np.ndarray, np.ndarray]:
    """Place samples as the recorder does for its display."""
    return place_live(made)


def whole(made: Made) -> tuple[np.ndarray, np.ndarray]:
    """Place samples as the recorder does when it closes, and `acq resync`."""
    return place_samples(
        made.exchanges, made.clocks, made.ticks, made.arrival_ns, tick_hz=TICK_HZ, rate_hz=RATE_HZ
    )


POINTS = {
    "arrival": arrival, "line through arrivals": line, "NTP midpoint": ntp,
    "minimum round trip of 8": minimum_round_trip, "Klipper's regression": klipper,
}
OURS = {"ours, live": live, "ours, whole recording": whole}


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--quick", action="store_true", help="one plant of each kind")
    seeds, live_seeds = (1, 1) if parser.parse_args().quick else (8, 2)
    print("RMS error [ms]:\n")
    print(f"| plant | {' | '.join([*POINTS, *OURS])} |")
    print("|---" * (1 + len(POINTS) + len(OURS)) + "|")
    certificates: dict[str, list[str]] = {name: [] for name in OURS}
    totals = {name: np.zeros(2, dtype=int) for name in OURS}
    for plant_name, plant in PLANTS.items():
        made = [make(replace(plant, seconds=600.0), seed) for seed in range(seeds)]
        rms = [
            _rms(np.concatenate([estimate(plant) - plant.truth_ns for plant in made]))
            for estimate in POINTS.values()
        ]
        for name, estimate in OURS.items():
            placed = [
                (*estimate(plant), plant.truth_ns)
                for plant in made[: live_seeds if estimate is live else seeds]
            ]
            time_ns, bound_ns, truth_ns = (
                np.concatenate(column) for column in zip(*placed, strict=True)
            )
            known = bound_ns >= 0
            off, width = (time_ns - truth_ns)[known], bound_ns[known]
            inside = np.count_nonzero(np.abs(off) <= width)
            totals[name] += inside, len(off)
            rms.append(_rms(off))
            figures = (np.abs(off).max(), np.median(width), np.percentile(width, 99), width.max())
            cells = [
                *(f"{ns / 1e6:.3f}" for ns in figures), f"{inside} of {len(off)}",
                str(np.count_nonzero(~known)),
            ]
            certificates[name].append(f"| {plant_name} | {' | '.join(cells)} |")
        print(f"| {plant_name} | {' | '.join(rms)} |", flush=True)
    for name, rows in certificates.items():
        print(f"\n{name} [ms]:\n")
        print("| plant | largest error | certificate, median | 99 % | largest | inside | without |")
        print("|---|---|---|---|---|---|---|")
        print("\n".join(rows))
        print(
            f"\nIn all: truth inside the certificate in {totals[name][0]} of {totals[name][1]} "
            "samples."
        )


def _rms(off_ns: np.ndarray) -> str:
    return f"{np.sqrt(np.nanmean(off_ns**2)) / 1e6:.3f}"


if __name__ == "__main__":
    main()
