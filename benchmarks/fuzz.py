"""Files of every kind changed at random, for hours: `python -m benchmarks.fuzz --hours 2`.

A row for each kind of file; with exit code 1 where one of them was neither read nor refused in a
line, or took more than 60 s or 500 MB. Such a file is kept in tests/fuzz/corpus, where the tests
find it.

    python -m benchmarks.fuzz --minutes 5                     all kinds
    python -m benchmarks.fuzz --seed 7 --trials 100 session   these trials, once
"""

import argparse
import sys
import time

from tests.support.hostile_files import CORPUS, run_in_child
from tests.support.hostile_targets import TARGETS

AT_ONCE = 50                     # trials of one kind, before the next one


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("kind", nargs="*", help=f"of {', '.join(TARGETS)}")
    parser.add_argument("--hours", type=float, default=0.0)
    parser.add_argument("--minutes", type=float, default=0.0)
    parser.add_argument("--trials", type=int, help="of each kind; then no time counts")
    parser.add_argument("--seed", type=int, default=int(time.time()), help="of the first trial")
    options = parser.parse_args()
    kinds = options.kind or list(TARGETS)
    if unknown := set(kinds) - set(TARGETS):
        parser.error(f"unknown: {', '.join(sorted(unknown))}")
    end_s = time.monotonic() + 3600 * options.hours + 60 * options.minutes
    seed, done, findings = options.seed, dict.fromkeys(kinds, 0), []
    while True:
        for kind in kinds:
            trials = options.trials or AT_ONCE
            found = run_in_child({kind: trials}, seed=seed, corpus=CORPUS)
            done[kind] += trials
            findings += found
            for finding in found:
                print(f"{kind} {finding.seed}: {finding.what}", file=sys.stderr, flush=True)
            if not options.trials and time.monotonic() > end_s:
                break
        seed += options.trials or AT_ONCE
        if options.trials or time.monotonic() > end_s:
            break
    print(f"seeds {options.seed} to {seed - 1}\n\n| kind of file | trials | broken |")
    print("|---|---|---|")
    for kind, trials in done.items():
        broken = sum(finding.target == kind for finding in findings)
        print(f"| {kind} | {trials:,} | {broken} |")
    sys.exit(bool(findings))


if __name__ == "__main__":
    main()
