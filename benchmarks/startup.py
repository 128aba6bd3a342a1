"""How long help, lists, grades and one opening take, beside what cannot be avoided, in turn.

    python -m benchmarks.startup [RUNS]

11 rounds unless given. The limits are an empty typer program with as many verbs, none of which does
anything, its help, and the import of h5py alone. Wall and processor time are the least of all
rounds: on a machine that others use, processor time says more. `acq qc` and `acq predict` read a
minute of a virtual subject at 640x360, which is drawn first, in five rounds at most.
"""

import os
import shutil
import subprocess
import sys
import tempfile
import time
from functools import partial
from pathlib import Path

import h5py

from acquire import data_folder, layout
from benchmarks.catalogue import make_data_folder, write_session
from dataset.session.reader import Session

BARE = """
import typer
app = typer.Typer()
def add(name):
    @app.command(name)
    def verb(path: str = "", force: bool = False):
        "Do nothing."
for at in range(29):
    add(f"verb{at}")
app()
"""
ACQ = ("-m", "acq.start")
SESSIONS, SECONDS = 4, 60
MINUTES = (1, 12)                    # of the session that is opened
OPENED, SLOW_ROUNDS = 60, 5


def run(*words):
    """Run a program; return its wall and processor time [s]."""
    begun = time.perf_counter()
    # as installed programs are: compiled once
    environ = {
        name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"
    }
    with subprocess.Popen(
        [sys.executable, *words], stdout=subprocess.DEVNULL, env=environ
    ) as process:
        _, status, used = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    assert process.returncode == 0, words
    return time.perf_counter() - begun, used.ru_utime + used.ru_stime


def least_ms(work):
    """Return the least processor time [ms]."""
    taken = []
    for _ in range(OPENED):
        begun = time.process_time()
        work()
        taken.append(time.process_time() - begun)
    return 1e3 * min(taken)


def open_once(path):
    """Open a session as acq does."""
    Session(path).close()


def read_columns(path):
    """Read what h5py alone reads of a session's two streams."""
    with h5py.File(path) as file:
        for name in layout.COLUMNS:
            column = file[name]
            assert isinstance(column, h5py.Dataset)
            column[:]


def print_openings(folder):
    """Print how long a session takes to open, beside h5py alone."""
    print("\n| opened, ms of processor time | acq | h5py alone, the columns |\n|---|---|---|")
    for minutes in MINUTES:
        path = folder / f"S01/S01-{minutes}.h5"
        write_session(path, 60 * minutes, 66)
        ours = least_ms(partial(open_once, path))
        alone = least_ms(partial(read_columns, path))
        print(f"| {minutes} min | {ours:.1f} | {alone:.1f} |")


def main():
    """Print the tables."""
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 11
    with tempfile.TemporaryDirectory() as folder:
        data = Path(folder)
        make_data_folder(data, SESSIONS, SECONDS)
        minute = data / "minute"
        run(*ACQ, "simulate", "--subjects", "1", "--sessions", "1", "--duration", "60s",
            "--quiet", "--data", str(minute))
        (drawn,) = data_folder.session_files(minute)
        slow = {
            "acq qc, a session of a minute": (
                *ACQ, "qc", "--force", "--quiet", "--jobs", "1", "--data", str(minute)
            ),
            "acq predict, the same": (
                *ACQ, "predict", str(drawn), "--quiet", "--data", str(minute)
            ),
        }
        listing = (*ACQ, "ls", "--quiet", "--data", folder)
        programs = {
            "limit: Python": ("-c", "pass"),
            "limit: help of an empty typer program": ("-c", BARE, "--help"),
            "limit: a verb of it": ("-c", BARE, "verb0", "--path", "x"),
            "limit: import h5py": ("-c", "import h5py, hdf5plugin"),
            "acq --help": (*ACQ, "--help"),
            "acq ls --help": (*ACQ, "ls", "--help"),
            "acq train-kd --help": (*ACQ, "train-kd", "--help"),
            f"acq ls, {SESSIONS} graded sessions, first": listing,
            f"acq ls, {SESSIONS} graded sessions, again": listing,
            **slow,
        }
        taken = {name: [] for name in programs}
        time.sleep(3)                    # what was written a moment ago is not kept in a list
        for command in programs.values():
            run(*command)                # once to have the files compiled and in memory
        for done in range(rounds):
            for name, command in programs.items():
                if name in slow and done >= SLOW_ROUNDS:
                    continue
                if name.endswith("first"):
                    shutil.rmtree(data / "cache", ignore_errors=True)
                taken[name].append(run(*command))
    print("| what | wall s | processor s |\n|---|---|---|")
    for name, times in taken.items():
        wall_s, used_s = map(min, zip(*times, strict=True))
        print(f"| {name} | {wall_s:.3f} | {used_s:.3f} |")
    with tempfile.TemporaryDirectory() as folder:
        print_openings(Path(folder))


if __name__ == "__main__":
    main()
