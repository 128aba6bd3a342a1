"""How long `acq --help` takes, beside an empty typer program, in turn.

python -m benchmarks.startup [RUNS]

21 pairs unless given. The empty program has as many verbs, none of which does anything.
"""

import statistics
import subprocess
import sys
import time

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


def seconds(*command):
    """Wall time of one run of a program, without what it prints."""
    began = time.perf_counter()
    subprocess.run(command, stdout=subprocess.DEVNULL, check=True)
    return time.perf_counter() - began


def main():
    runs = int(sys.argv[1]) if len(sys.argv) > 1 else 21
    programs = {
        "a bare typer program": (sys.executable, "-c", BARE, "--help"),
        "acq --help": (sys.executable, "-m", "acq.start", "--help"),
        "acq record --help": (sys.executable, "-m", "acq.start", "record", "--help"),
    }
    taken = {name: [] for name in programs}
    for command in programs.values():
        seconds(*command)                # once to have the files in memory
    for _ in range(runs):
        for name, command in programs.items():
            taken[name].append(seconds(*command))
    for name, times in taken.items():
        print(f"{name:22} median {statistics.median(times):.3f} s, "
              f"fastest {min(times):.3f} s of {runs}")


if __name__ == "__main__":
    main()
