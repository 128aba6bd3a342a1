"""What the tests notice: the share of small changes to the code that make a test fail.

`make mutants` changes the modules of `[tool.mutmut]` in pyproject.toml one expression at a time and
runs the tests that reach the changed function. All changes take most of a day, so that it draws
them: rounds of ten of each module, in an order that its seed fixes, until the next round would not
end in time. A second run goes on with the next rounds. Within a module the score is a binomial
share with Wilson's interval of 95 %; the row of all weighs each module by its number of changes.

    python -m benchmarks.mutants run                  rounds, then the table
    python -m benchmarks.mutants run --hours 0.5 --each 3
    python -m benchmarks.mutants table                the table again
    python -m benchmarks.mutants survived signals     changes that no test noticed, by a part of
                                                      the module's name, for `mutmut show NAME`
"""

import argparse
import json
import math
import random
import signal
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

RESULTS = Path("mutants")
SURVIVED, NO_TEST, NOT_RUN = 0, (5, 33), None       # exit codes that mutmut writes
FIRST = "dataset.signals.pearson.*__mutmut_1"       # any: with it mutmut lists all changes


def exit_codes() -> dict[str, dict[str, int | None]]:
    """Return module -> changed function and number -> exit code of its tests."""
    codes = {
        path.relative_to(RESULTS).with_suffix("").with_suffix("").as_posix().replace("/", "."):
            json.loads(path.read_text())["exit_code_by_key"]
        for path in sorted(RESULTS.rglob("*.meta"))
    }
    return {module: of_changes for module, of_changes in codes.items() if of_changes}


def draw(each: int, seed: int) -> list[str]:
    """Return the next changes of every module, at random and without one that was run."""
    drawn = []
    for module, codes in exit_codes().items():
        order = sorted(codes)
        random.Random(f"{seed} {module}").shuffle(order)
        drawn += [name for name in order if codes[name] is NOT_RUN][:each]
    return drawn


def run_rounds(hours: float, each: int, seed: int) -> None:
    """Run rounds of changes until the longest so far would not end in time."""
    end_s, longest_s = time.monotonic() + 3600 * hours, 0.0
    if not exit_codes():
        run_mutmut([FIRST], end_s)
    while (names := draw(each, seed)) and time.monotonic() + longest_s < end_s:
        begun_s = time.monotonic()
        run_mutmut(names, end_s)
        longest_s = max(longest_s, time.monotonic() - begun_s)


def run_mutmut(names: list[str], end_s: float) -> None:
    process = subprocess.Popen([sys.executable, "-m", "mutmut", "run", *names])
    try:
        code = process.wait(max(0.0, end_s - time.monotonic()))
    except subprocess.TimeoutExpired:
        process.send_signal(signal.SIGINT)          # it ends what it has started, then itself
        process.wait()
        sys.exit("expected a round to end in the time that is left, found that it did not; "
                 "run again with fewer changes a round: --each 3")
    if code:
        sys.exit(code)


def count(codes: list[int | None]) -> Counter[str]:
    return Counter(
        "not run" if code is NOT_RUN else "survived" if code == SURVIVED
        else "no test" if code in NO_TEST else "noticed"
        for code in codes
    )


def share_with_interval(noticed: int, run: int, changes: int) -> str:
    """Return a share in words; where not all were run, with Wilson's interval of 95 %."""
    from scipy.stats import binomtest

    if not run:
        return ""
    text = f"{100 * noticed / run:.0f} %"
    if run == changes:
        return text
    interval = binomtest(noticed, run).proportion_ci(method="wilson")
    return f"{text} ({100 * interval.low:.0f} to {100 * interval.high:.0f})"


def weighed_share(counts: list[Counter[str]]) -> str:
    """Return the share of all changes, from the shares of each module."""
    share = variance = total = 0.0
    for counted in counts:
        changes, run = counted.total(), counted.total() - counted["not run"]
        if run:
            noticed = counted["noticed"] / run
            total += changes
            share += changes * noticed
            variance += changes**2 * noticed * (1 - noticed) / run * (1 - run / changes)
    if not total:
        return ""
    return f"{100 * share / total:.0f} % (± {196 * math.sqrt(variance) / total:.0f})"


def print_table() -> None:
    counts = {module: count(list(codes.values())) for module, codes in exit_codes().items()}
    print("| module | changes | run | noticed | survived | no test | noticed of those run |")
    print("|---|---|---|---|---|---|---|")
    for module, counted in counts.items():
        run = counted.total() - counted["not run"]
        print_row(module, counted, share_with_interval(counted["noticed"], run, counted.total()))
    print_row("all", sum(counts.values(), Counter()), weighed_share([*counts.values()]))


def print_row(name: str, counted: Counter[str], share: str) -> None:
    print(f"| {name} | {counted.total()} | {counted.total() - counted['not run']} "
          f"| {counted['noticed']} | {counted['survived']} | {counted['no test']} | {share} |")


def main() -> None:
    """Run changes, or print what was found."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("what", choices=["run", "table", "survived"])
    parser.add_argument("module", nargs="?", default="", help="a part of its name, for `survived`")
    parser.add_argument("--hours", type=float, default=1.9, help="for `run`")
    parser.add_argument("--each", type=int, default=10, help="changes of a module in a round")
    parser.add_argument("--seed", type=int, default=15)
    options = parser.parse_args()
    if options.what == "run":
        run_rounds(options.hours, options.each, options.seed)
    if not exit_codes():
        sys.exit(f"expected the results of a run in {RESULTS}, found none; run make mutants")
    if options.what == "survived":
        for module, codes in exit_codes().items():
            if options.module in module:
                print(*(name for name, code in codes.items() if code == SURVIVED), sep="\n")
    else:
        print_table()


if __name__ == "__main__":
    main()
