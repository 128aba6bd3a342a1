"""Faults, many times over: `python -m benchmarks.soak` prints a row a fault, and ends with 1 where
a claim breaks.

    python -m benchmarks.soak                        all of it, about half an hour
    python -m benchmarks.soak --quick                the same in two minutes
    python -m benchmarks.soak kills --trials 50      one fault: kills, simulated, unplugged, fuzz,
    starved
"""

import argparse
import random
import signal
import subprocess
import sys
import tempfile
import time
from functools import partial
from pathlib import Path

import numpy as np

from dataset.session.reader import Session
from tests.support import faults
from tests.support.fakes import FakeSensor

TRIALS = {                       # (whole, quick)
    "kills": (1000, 40),
    "simulated": (40, 3),
    "unplugged": (100, 5),
    "fuzz": (10**8, 10**6),
    "starved": (40, 2),
}


def kills(trials, folder):
    done = faults.kill_many(folder, trials)
    opened = done.found["killed"] + done.found["closed"]
    rows = np.array(done.lost_s) if done.lost_s else np.zeros(1)
    return (
        "SIGKILL at a random moment",
        f"{trials} recorders",
        (
            f"{done.found['no file yet']} had no file yet, {done.found['closed']} had closed it; "
            f"{opened} of {opened} files opened, "
            f"{done.frames} frames and {done.samples} samples in them, none wrong; "
            f"lost at most {rows.max():.2f} s (median {np.median(rows):.2f} s, over 1 s in "
            f"{np.mean(rows > 1):.1%}); "
            f"{done.recovered} recovered, {done.found['killed'] - done.recovered} killed before "
            "their first flush"
        ),
    )


def simulated(trials, folder):
    rng, lost_s, opened = random.Random(1), [], 0
    for trial in range(trials):
        data = folder / str(trial)
        process = subprocess.Popen(
            [
                sys.executable, "-m", "acq.main", "record", "--subject", "S01", "--simulate",
                "--quiet", "--data", data,
            ],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        time.sleep(rng.uniform(1.0, 8.0))
        killed_ns = time.monotonic_ns()
        process.send_signal(signal.SIGKILL)
        process.wait()
        for path in data.rglob("*.h5"):
            with Session(path) as session:
                opened += 1
                for arrival_ns in (session.frame_arrival_ns, session.ppg_arrival_ns):
                    last_ns = arrival_ns[-1] if len(arrival_ns) else session.started_monotonic_ns
                    lost_s.append((killed_ns - int(last_ns)) / 1e9)
                for at in range(len(session.frames)):
                    session.frames.raw(at)
    return (
        "SIGKILL of `acq record --simulate`",
        f"{trials} recorders",
        (
            f"{opened} of {opened} files opened, every frame decoded; lost at most "
            f"{max(lost_s, default=0):.2f} s"
        ),
    )


def unplugged(trials, folder):
    """One long recording; every few seconds something happens to its sensor."""
    rng, happened, at_s, came_ns = random.Random(2), [], 1.0, []
    with FakeSensor(link=folder / "port", ppm=300) as device:

        def plug(rebooted):
            device.plug(rebooted=rebooted)
            came_ns.append(time.monotonic_ns())

        def reset(say_hello):
            device.reset(say_hello=say_hello)
            came_ns.append(time.monotonic_ns())

        for _ in range(trials):
            either = rng.random() < 0.5
            if rng.random() < 0.6:
                happened.append((at_s, device.unplug))
                at_s += rng.uniform(0.05, 3.0)
                happened.append((at_s, partial(plug, either)))
            else:
                happened.append((at_s, partial(reset, either)))
            at_s += rng.uniform(2.5, 4.0)
        summary = faults.record_through(folder, device, happened, duration_s=at_s + 1.0)
        assert summary.complete, summary.fault
        with Session(summary.path) as session:
            faults.check_samples(session, device.middle_ns, device.period_ns)
            arrival_ns = session.ppg_arrival_ns
            resumed_s = [
                (int(arrival_ns[np.searchsorted(arrival_ns, ns)]) - ns) / 1e9 for ns in came_ns
            ]
            lost = dict(summary.lost_samples)
    return (
        "serial line pulled and put back, board restarted",
        f"{trials} in one recording of {at_s / 60:.0f} min",
        (
            f"resumed in at most {max(resumed_s):.2f} s (median {np.median(resumed_s):.2f} s); "
            "every gap right to one sample, "
            "every bound held, no step back; lost "
            f"{', '.join(f'{count} ({cause})' for cause, count in lost.items())}"
        ),
    )


def fuzz(n_bytes, folder):
    done = faults.fuzz_parser(n_bytes)
    return (
        "damaged bytes into the parser",
        f"{done.bytes:.0e} bytes",
        (
            f"no exception; {done.intact} of {done.intact} whole packets behind a zero found; "
            f"{done.candidates} damaged ones that "
            f"only the CRC could tell, {done.accepted} accepted ({done.candidates / 2**16:.1f} "
            f"expected, {done.allowed} allowed)"
        ),
    )


def starved(trials, folder):
    rng, lost = random.Random(3), np.zeros(2, int)
    for trial in range(trials):
        here = folder / str(trial)
        here.mkdir()
        lost += faults.starve(here, [(1.0, rng.uniform(0.5, 3.0))])
    return (
        "recorder not let run for 0.5 to 3 s (SIGSTOP)",
        f"{trials} recordings",
        (
            f"{lost[0]} frames counted as lost, {lost[1]} samples; every value right, every bound "
            "held, no step back"
        ),
    )


def main():
    parser = argparse.ArgumentParser(description=__doc__.split(";", maxsplit=1)[0])
    parser.add_argument("fault", nargs="*", choices=[*TRIALS, []])
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--trials", type=int)
    options = parser.parse_args()
    print("| fault | trials | result |\n|---|---|---|", flush=True)
    for name in options.fault or TRIALS:
        whole, quick = TRIALS[name]
        with tempfile.TemporaryDirectory() as folder:
            row = globals()[name](
                options.trials or (quick if options.quick else whole), Path(folder)
            )
        print("| " + " | ".join(row) + " |", flush=True)


if __name__ == "__main__":
    main()
