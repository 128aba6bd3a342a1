"""Faults, repeated many times: `python -m benchmarks.soak` prints a row for each kind of fault.

It ends with exit code 1 where a claim breaks.

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
from tests.support.fakes import FakeSensor
from tests.support.faults import check_samples, record_while_stopped, record_with_faults
from tests.support.fuzzing import fuzz_parser
from tests.support.kills import kill_recorders

TRIALS = {                       # (whole run, quick run)
    "kills": (1000, 40),
    "simulated": (40, 3),
    "unplugged": (100, 5),
    "fuzz": (10**8, 10**6),
    "starved": (40, 2),
}


def kills(trials, folder):
    results = kill_recorders(folder, trials)
    outcomes = results.outcomes
    opened = outcomes["killed"] + outcomes["closed"]
    lost_s = np.array(results.lost_s) if results.lost_s else np.zeros(1)
    return (
        "SIGKILL at a random moment",
        f"{trials} recorders",
        (
            f"{outcomes['no file yet']} had no file yet, {outcomes['closed']} had closed it; "
            f"{opened} of {opened} files opened, {results.frames} frames and {results.samples} "
            f"samples in them, none wrong; lost at most {lost_s.max():.2f} s (median "
            f"{np.median(lost_s):.2f} s, over 1 s in {np.mean(lost_s > 1):.1%}); "
            f"{results.recovered} recovered, {outcomes['killed'] - results.recovered} killed "
            "before their first flush"
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
                for index in range(len(session.frames)):
                    session.frames.raw(index)
    return (
        "SIGKILL of `acq record --simulate`",
        f"{trials} recorders",
        (
            f"{opened} of {opened} files opened, every frame decoded; lost at most "
            f"{max(lost_s, default=0):.2f} s"
        ),
    )


def unplugged(trials, folder):
    """Make one long recording; every few seconds a fault happens to its sensor."""
    rng, planned, moment_s, back_ns = random.Random(2), [], 1.0, []
    with FakeSensor(link=folder / "port", ppm=300) as device:

        def plug(rebooted):
            device.plug(rebooted=rebooted)
            back_ns.append(time.monotonic_ns())

        def reset(say_hello):
            device.reset(say_hello=say_hello)
            back_ns.append(time.monotonic_ns())

        for _ in range(trials):
            is_restarted = rng.random() < 0.5
            if rng.random() < 0.6:
                planned.append((moment_s, device.unplug))
                moment_s += rng.uniform(0.05, 3.0)
                planned.append((moment_s, partial(plug, is_restarted)))
            else:
                planned.append((moment_s, partial(reset, is_restarted)))
            moment_s += rng.uniform(2.5, 4.0)
        summary = record_with_faults(folder, device, planned, duration_s=moment_s + 1.0)
        assert summary.complete, summary.fault
        with Session(summary.path) as session:
            check_samples(session, device.middle_ns, device.period_ns)
            arrival_ns = session.ppg_arrival_ns
            resumed_s = [
                (int(arrival_ns[np.searchsorted(arrival_ns, ns)]) - ns) / 1e9 for ns in back_ns
            ]
            lost = dict(summary.lost_samples)
    return (
        "serial line pulled and put back, board restarted",
        f"{trials} in one recording of {moment_s / 60:.0f} min",
        (
            f"resumed in at most {max(resumed_s):.2f} s (median {np.median(resumed_s):.2f} s); "
            "every gap right to one sample, "
            "every bound held, no step back; lost "
            f"{', '.join(f'{count} ({cause})' for cause, count in lost.items())}"
        ),
    )


def fuzz(n_bytes, folder):
    result = fuzz_parser(n_bytes)
    return (
        "damaged bytes into the parser",
        f"{result.bytes:.0e} bytes",
        (
            f"no exception; {result.intact} of {result.intact} whole packets behind a zero found; "
            f"{result.candidates} damaged ones that "
            f"only the CRC could tell, {result.accepted} accepted ({result.candidates / 2**16:.1f} "
            f"expected, {result.allowed} allowed)"
        ),
    )


def starved(trials, folder):
    rng, lost = random.Random(3), np.zeros(2, int)
    for trial in range(trials):
        data = folder / str(trial)
        data.mkdir()
        lost += record_while_stopped(data, [(1.0, rng.uniform(0.5, 3.0))])
    return (
        "recorder not let run for 0.5 to 3 s (SIGSTOP)",
        f"{trials} recordings",
        (
            f"{lost[0]} frames counted as lost, {lost[1]} samples; every value right, every bound "
            "held, no step back"
        ),
    )


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
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
