"""How long help and the list of a few sessions take, beside what cannot be avoided, in turn.

    python -m benchmarks.startup [RUNS]

11 rounds unless given. The limits are an empty typer program with as many verbs, none of which does
anything, its help, and the import of h5py alone. Wall and processor time are the least of all
rounds: on a machine that others use, processor time says more.
"""

import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from benchmarks.catalogue import make_data_folder

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


def main():
    """Print the table."""
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 11
    with tempfile.TemporaryDirectory() as folder:
        data = Path(folder)
        make_data_folder(data, SESSIONS, SECONDS)
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
        }
        taken = {name: [] for name in programs}
        time.sleep(3)                    # what was written a moment ago is not kept in a list
        for command in programs.values():
            run(*command)                # once to have the files compiled and in memory
        for _ in range(rounds):
            for name, command in programs.items():
                if name.endswith("first"):
                    shutil.rmtree(data / "cache", ignore_errors=True)
                taken[name].append(run(*command))
    print("| what | wall s | processor s |\n|---|---|---|")
    for name, times in taken.items():
        wall_s, used_s = map(min, zip(*times, strict=True))
        print(f"| {name} | {wall_s:.3f} | {used_s:.3f} |")


if __name__ == "__main__":
    main()
