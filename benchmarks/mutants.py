"""What the tests notice: the share of small changes to the code that make a test fail.

`make mutants` changes the modules of `[tool.mutmut]` in pyproject.toml one expression at a time,
runs the tests that reach the changed function, and then prints this table; a second run goes on
where the first was stopped. `python -m benchmarks.mutants` prints the table again; with a part of a
module's name, the changes that no test noticed there, as `mutmut show NAME` takes them.
"""

import json
import sys
from collections import Counter
from pathlib import Path

RESULTS = Path("mutants")
SURVIVED, NO_TEST, NOT_RUN = 0, (5, 33), None       # exit codes that mutmut writes


def exit_codes() -> dict[str, dict[str, int | None]]:
    """Return module -> changed function and number -> exit code of its tests."""
    return {
        path.relative_to(RESULTS).with_suffix("").with_suffix("").as_posix().replace("/", "."):
            json.loads(path.read_text())["exit_code_by_key"]
        for path in sorted(RESULTS.rglob("*.meta"))
    }


def print_row(name: str, codes: list[int | None]) -> None:
    counted = Counter(
        "not run" if code is NOT_RUN else "survived" if code == SURVIVED
        else "no test" if code in NO_TEST else "noticed"
        for code in codes
    )
    run = len(codes) - counted["not run"]
    share = f"{100 * counted['noticed'] / run:.0f} %" if run else ""
    print(f"| {name} | {len(codes)} | {counted['noticed']} | {counted['survived']} "
          f"| {counted['no test']} | {counted['not run']} | {share} |")


def main() -> None:
    """Print the table, or the changes that survived in some modules."""
    modules = {name: codes for name, codes in exit_codes().items() if codes}
    if not modules:
        sys.exit(f"expected the results of a run in {RESULTS}, found none; run make mutants")
    if len(sys.argv) > 1:
        for name, codes in modules.items():
            if sys.argv[1] in name:
                print(*(key for key, code in codes.items() if code == SURVIVED), sep="\n")
        return
    print("| module | changes | noticed | survived | no test | not run | noticed of those run |")
    print("|---|---|---|---|---|---|---|")
    for name, codes in modules.items():
        print_row(name, list(codes.values()))
    print_row("all", [code for codes in modules.values() for code in codes.values()])


if __name__ == "__main__":
    main()
