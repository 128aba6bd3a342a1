"""Faults, repeated many times: `python -m benchmarks.soak` prints a row for each kind of fault.

It ends with exit code 1 where a claim breaks.

    python -m benchmarks.soak                        all of it, about half an hour
    python -m benchmarks.soak --quick                the same in two minutes
    python -m benchmarks.soak kills --trials 50      one fault: kills, simulated, unplugged, fuzz,
    paused, starved, ended, twice
    python -m benchmarks.soak twice --first 6 --trials 11        from the seventh pair of verbs
"""

import argparse
import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
import traceback
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np

from dataset.session.reader import Session
from tests.support.ended import begin_twice, end_at_random
from tests.support.fakes import FakeCamera, FakeSensor
from tests.support.faults import check_samples, record_while_stopped, record_with_faults
from tests.support.fuzzing import fuzz_parser
from tests.support.kills import kill_recorders

TRIALS = {                       # (whole run, quick run)
    "kills": (1000, 40),
    "simulated": (40, 3),
    "unplugged": (100, 5),
    "fuzz": (10**8, 10**6),
    "paused": (60, 3),
    "starved": (10, 2),
    "ended": (320, 16),
    "twice": (160, 16),
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


@dataclass(frozen=True)
class Pause:
    """A recorder that is stopped, and what its sensor does meanwhile."""

    seconds: float
    rate_hz: int = 25
    resets: bool = False        # the board restarts in the middle of the pause

    def record(self, folder):
        """Record with it; return a row of numbers, or raise `AssertionError`."""
        at_s = [1.2 + 0.4 * self.seconds] if self.resets else []
        _, lost, pauses_s = record_while_stopped(
            folder, [(1.2, self.seconds)], resets=at_s, rate_hz=self.rate_hz
        )
        lost.pop("silent at the end", None)         # the device runs on this busy host, too
        # as it was seen: a busy host sends and obeys both signals late
        stopped_s = max(pauses_s, default=0.0)
        assert self.seconds - 0.5 < stopped_s < self.seconds + 2, (self.seconds, pauses_s)
        # the system keeps 4 kB: samples of 16 bytes, and a status of 13 a second
        kept_s = 4095 / (16 * self.rate_hz + 13)
        if self.resets:
            # until START, which waits for the end of the pause
            assert set(lost) <= {"sensor restarted"}, lost
            assert lost["sensor restarted"] >= (0.6 * self.seconds - 0.5) * self.rate_hz
        elif stopped_s > kept_s + 0.3:
            expected = (stopped_s - kept_s) * self.rate_hz
            assert set(lost) == {"the host did not run"}, lost
            # the thread that reads the port may run later than the one that watches the clock
            more = lost["the host did not run"] - expected
            assert -0.3 * self.rate_hz < more < 2 * self.rate_hz, (lost, expected)
        elif stopped_s < kept_s - 0.3:
            assert not lost
        return stopped_s, sum(lost.values())


# what a short run tries: all kept, more than the system keeps, and a board that restarts
_PAUSES = (Pause(3.2), Pause(3.5, rate_hz=100), Pause(2.0, resets=True))


def paused(trials, folder):
    rng = random.Random(5)
    planned = [
        *_PAUSES,
        *(
            Pause(rng.uniform(1.0, 10.0), rng.choice((25, 50, 100)), rng.random() < 0.3)
            for _ in range(trials - len(_PAUSES))
        ),
    ][:trials]
    results = run_at_once([pause.record for pause in planned], folder)
    lengths_s, lost = zip(*results, strict=True)
    return (
        "recorder stopped for 1 to 10 s (SIGSTOP), one in three with a board that restarts",
        f"{trials} recordings",
        (
            f"paused for {min(lengths_s):.1f} to {max(lengths_s):.1f} s; what 4 kB hold was kept, "
            f"{sum(lost)} samples lost, right to one of each, under their cause; every value "
            "right, every bound held"
        ),
    )


def starved(trials, folder):
    """Record at a low priority beside processes that take every core."""
    burners = [
        subprocess.Popen([sys.executable, "-c", "while True: pass"])
        for _ in range(os.cpu_count() or 1)
    ]
    try:
        results = run_at_once([record_starved] * trials, folder, at_once=1)
    finally:
        for burner in burners:
            burner.kill()
            burner.wait()
    return (
        "recorder starved: a low priority beside a busy process a core",
        f"{trials} recordings",
        (
            f"all started and ended; {sum(lost for lost, _ in results)} samples lost, "
            f"{sum(pauses for _, pauses in results)} pauses noted; every value right, every bound "
            "held"
        ),
    )


def record_starved(folder):
    """Record for five seconds; a busy process has nine times its share of a core."""
    _, lost, pauses_s = record_while_stopped(
        folder, [], length_s=5.0, niceness=10, camera=FakeCamera
    )
    return sum(lost.values()), len(pauses_s)


def run_at_once(tasks, folder, *, at_once=4):
    """Run functions of a folder in forked children; return what they returned, in order."""
    results = []
    for first in range(0, len(tasks), at_once):
        children = [
            _fork(task, folder / str(first + at))
            for at, task in enumerate(tasks[first : first + at_once])
        ]
        for pid, pipe in children:
            text = pipe.read()
            os.waitpid(pid, 0)
            is_right, result = json.loads(text or "[false, \"killed\"]")
            assert is_right, result
            results.append(result)
    return results


def _fork(task, folder):
    folder.mkdir()
    read, write = os.pipe()
    pid = os.fork()
    if not pid:
        try:
            answer = [True, task(folder)]
        except BaseException:
            answer = [False, traceback.format_exc()]
        os.write(write, json.dumps(answer).encode())
        os._exit(0)
    os.close(write)
    return pid, open(read)


def ended(trials, folder, *, first=0):
    counts, longest_s = end_at_random(folder, trials, random.Random(1), first=first)
    return (
        "Ctrl-C, SIGTERM or SIGHUP in a verb at a random moment",
        f"{trials} verbs",
        (
            f"{counts['ended']} ended, in at most {longest_s:.1f} s, {counts['done before']} had "
            "done; each a line, no traceback, nothing half-made left, and the data folder whole"
        ),
    )


def twice(trials, folder, *, first=0):
    counts = begin_twice(folder, trials, random.Random(2), first=first)
    return (
        "two of a verb at once in one data folder",
        f"{counts['pairs']} pairs",
        (
            f"{counts['one refused']} times one was refused and told who the other is, else both "
            "ended well; nothing half-made left, and the data folder whole"
        ),
    )


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("fault", nargs="*", choices=[*TRIALS, []])
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--trials", type=int)
    parser.add_argument("--first", type=int, default=0, help="trial to begin with: ended, twice")
    options = parser.parse_args()
    print("| fault | trials | result |\n|---|---|---|", flush=True)
    for name in options.fault or TRIALS:
        whole, quick = TRIALS[name]
        begun = {"first": options.first} if name in ("ended", "twice") else {}
        with tempfile.TemporaryDirectory() as folder:
            row = globals()[name](
                options.trials or (quick if options.quick else whole), Path(folder), **begun
            )
        print("| " + " | ".join(row) + " |", flush=True)


if __name__ == "__main__":
    main()
