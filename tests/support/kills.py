"""Recorders killed at random moments, and what their files hold."""

import os
import random
import shutil
import signal
import time
from collections import Counter
from dataclasses import dataclass, field

from acquire.errors import SessionError
from acquire.recorder.recorder import Recorder
from acquire.sensor.port import Sensor
from dataset.recovery.recover import recover
from dataset.session.reader import Session
from tests.support.fakes import FakeSensor
from tests.support.faults import NumberedCamera, check_numbers


@dataclass
class KillResults:
    """What killed recorders left."""

    outcomes: Counter = field(default_factory=Counter)     # "no file yet", "killed", "closed"
    lost_s: list = field(default_factory=list)             # from a file's last row to the kill
    frames: int = 0
    samples: int = 0
    recovered: int = 0


def kill_recorders(folder, trials, *, seed=1, at_once=8, duration_s=2.0, longest_s=3.2):
    """SIGKILL recorders at random moments, from before there is a file to after its closing."""
    rng, results = random.Random(seed), KillResults()
    # no file is checked before all processes are dead: the moments stay random
    for first in range(0, trials, at_once):
        running = []
        for trial in range(first, min(first + at_once, trials)):
            data = folder / f"{trial:04d}"
            kill_s = time.monotonic() + rng.uniform(0.0, longest_s)
            running.append((kill_s, _start_recorder(data, duration_s), data))
        killed = []
        for kill_s, pid, data in sorted(running):
            time.sleep(max(0.0, kill_s - time.monotonic()))
            killed.append((data, time.monotonic_ns()))
            os.kill(pid, signal.SIGKILL)
            os.waitpid(pid, 0)
        for data, killed_ns in killed:
            _check_killed(data, killed_ns, results, duration_s)
            shutil.rmtree(data, ignore_errors=True)
    return results


def _start_recorder(data, duration_s):
    """Record in a forked child; return its pid. The parent must run no threads."""
    pid = os.fork()
    if pid:
        return pid
    try:
        os.dup2(os.open(os.devnull, os.O_WRONLY), 2)
        with FakeSensor() as device:
            sensor = Sensor(device.port)
            Recorder(NumberedCamera(), sensor).record(data, "S01", duration_s=duration_s)
        os._exit(0)
    except BaseException:
        os._exit(9)


def _check_killed(data, killed_ns, results, duration_s):
    files = list(data.rglob("*.h5"))
    if not files:
        results.outcomes["no file yet"] += 1
        return
    (path,) = files
    with Session(path, wait_s=0) as session:
        check_numbers(session)
        rows = len(session.frames), len(session.ppg)
        results.frames += rows[0]
        results.samples += rows[1]
        results.outcomes["closed" if session.ended else "killed"] += 1
        if session.ended:
            return
        # it recorded no longer than it was asked to
        end_ns = min(killed_ns, session.started_monotonic_ns + round(duration_s * 1e9))
        for arrival_ns in (session.frame_arrival_ns, session.ppg_arrival_ns):
            last_ns = arrival_ns[-1] if len(arrival_ns) else session.started_monotonic_ns
            results.lost_s.append((end_ns - int(last_ns)) / 1e9)
    os.utime(path, (1, 1))                                 # long not written to
    try:
        recovered = recover(path)
    except SessionError:
        assert rows == (0, 0)                              # killed before the first flush
        return
    assert (recovered.frames, recovered.samples) == rows
    with Session(path) as session:
        check_numbers(session)
        assert session.recovered
    results.recovered += 1
