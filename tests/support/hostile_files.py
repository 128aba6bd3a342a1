"""Files that are changed at random, and every reader of acq set upon them in a process of its own.

A target is a kind of file: how a whole one is made, and what reads it. A trial changes a whole one,
by a seed, and reads it: nothing may happen but that it is read or refused with an `AcqError` of one
line, within `LONGEST_S` and `MOST_MB`. What breaks that is kept, to be tried again by every test.

    python -m tests.support.hostile_files FOLDER '[["session", 0, 6], ["video", 0, 10]]'
"""

import gzip
import json
import os
import random
import resource
import select
import subprocess
import sys
import tempfile
import time
import traceback
from collections.abc import Callable, Iterator, Mapping
from copy import copy
from dataclasses import dataclass
from pathlib import Path

REPO = Path(__file__).parents[2]
CORPUS = REPO / "tests/fuzz/corpus"
LONGEST_S = 60
MOST_MB = 500
_NOISE = ("", " ", "\t", "-", "NaN", "1e400", "null", '"', "[", "{", "}", "]", ",", ":", "\\", "\0",
          "9" * 400, "\ufeff", "-0", "0x1", "true", "&a", "*a", "!!x", "../", "\x1b]0;x\x07")


@dataclass(frozen=True)
class Target:
    """A kind of file."""

    name: str
    file: str                                    # where it lies in a folder
    make: Callable[[], bytes]                    # a whole one
    read: Callable[[Path], object]
    change: Callable[[random.Random, bytes, Path], bytes] | None = None      # None: of the bytes


@dataclass(frozen=True)
class Finding:
    """What a trial broke."""

    target: str
    seed: int
    what: str


def change_bytes(rng: random.Random, whole: bytes, _path: Path | None = None) -> bytes:
    """Damage bytes in a few places, as disks, editors and attackers do."""
    data = bytearray(whole)
    for _ in range(rng.choice((1, 1, 2, 3, 8))):
        at = rng.randrange(len(data) + 1)
        size = rng.choice((1, 2, 4, 8, 16, 100))
        kind = rng.randrange(7)
        if kind == 0 and data:
            data[at % len(data)] ^= 1 << rng.randrange(8)
        elif kind == 1:
            del data[at : at + size * rng.choice((1, 50))]
        elif kind == 2:
            data[at:at] = data[at : at + size] * rng.choice((1, 2, 1000))
        elif kind == 3:
            data[at : at + size] = rng.randbytes(size)
        elif kind == 4:
            number = rng.choice((0, 1, 2**31 - 1, 2**31, 2**32 - 1, 2**62, 2**63 - 1, 2**64 - 1))
            data[at : at + 8] = number.to_bytes(8, rng.choice(("little", "big")))
        elif kind == 5:
            del data[at:]
        else:
            data[at:at] = rng.choice(_NOISE).encode()
    return bytes(data)


def change_json(rng: random.Random, whole: bytes, _path: Path | None = None) -> bytes:
    """Put something else in place of a few values of a JSON document, or damage its bytes."""
    if rng.random() < 0.3:
        return change_bytes(rng, whole)
    body = json.loads(whole)
    values = (
        None, True, -1, 0, 1.5, 1e308, 2**63, 2**80, "", "x", "../../etc", [], {}, "x" * 10**5,
        [1] * 10**4, "2026-13-99T99:99:99", "\x1b]0;x\x07", "S01",
    )
    for _ in range(rng.choice((1, 1, 2, 4))):
        places = list(_places(body))
        if not places:
            break
        holder, key = rng.choice(places)
        kind = rng.randrange(5)
        if kind == 0:
            del holder[key]
        elif kind == 1 and isinstance(holder, list):
            holder *= rng.choice((0, 2, 50))
        elif kind == 2:
            nested = copy(rng.choice(values))
            # four of 200 in each other: deeper than any reader goes, and `json` can still write it
            for _ in range(rng.choice((1, 40, 200))):
                nested = [nested] if rng.random() < 0.5 else {"a": nested}
            holder[key] = nested
        else:
            holder[key] = copy(rng.choice(values))       # else a list may come to hold itself
    return json.dumps(body).encode()


def _places(body: object) -> Iterator[tuple]:
    """Yield every holder and key of a value in a document."""
    items = body.items() if isinstance(body, dict) else (
        enumerate(body) if isinstance(body, list) else ()
    )
    for key, value in list(items):
        yield body, key
        yield from _places(value)


def run_trials(
    target: Target, folder: Path, seeds: range, on_seed: Callable[[int], None] = lambda seed: None
) -> Iterator[Finding]:
    """Change and read in this process; yield what breaks, with the file left in place."""
    whole = target.make()
    path = folder / target.file
    path.parent.mkdir(parents=True, exist_ok=True)
    for seed in seeds:
        on_seed(seed)
        path.write_bytes(whole)
        changed = (target.change or change_bytes)(random.Random(seed), whole, path)
        path.write_bytes(changed)
        if what := read_one(target, path):
            yield Finding(target.name, seed, what)


def read_one(target: Target, path: Path) -> str:
    """Read a file; return what is wrong with that, "" where nothing is."""
    from acquire.errors import AcqError

    # a recorder is not at work on it
    os.utime(path, (time.time() - 3600,) * 2)
    begun = time.monotonic()
    try:
        target.read(path)
    except AcqError as error:
        text = str(error)
        if "\n" in text or len(text) > 3000:
            return f"an error of {len(text)} characters, {text.count(chr(10))} line ends"
        text.encode()
    except BaseException:
        return traceback.format_exc(limit=-6)
    took_s = time.monotonic() - begun
    return f"it took {took_s:.0f} s" if took_s > LONGEST_S else ""


def run_in_child(
    trials: Mapping[str, int], *, seed: int, corpus: Path | None = None
) -> list[Finding]:
    """Run trials of each target in a child that may crash, hang or take memory.

    Parameters
    ----------
    trials : of each target, by its name
    corpus : where files that break something are kept; None: nowhere
    """
    findings: list[Finding] = []
    waiting = [(target, seed, seed + count) for target, count in trials.items()]
    with tempfile.TemporaryDirectory(prefix="acq-fuzz-") as folder:
        while waiting:
            stderr = Path(folder) / "stderr"
            with stderr.open("wb") as errors:
                child = subprocess.Popen(
                    [sys.executable, "-m", "tests.support.hostile_files", folder,
                     json.dumps(waiting)],
                    cwd=REPO, stdout=subprocess.PIPE, stderr=errors, bufsize=0,
                )
                last, what = _follow(child, findings)
            if not what:
                break
            if last is None:                     # it did not even read a whole file
                raise RuntimeError(f"{what}\n{stderr.read_text(errors='replace')}")
            findings.append(Finding(*last, what))
            at = [name for name, *_ in waiting].index(last[0])
            waiting = [(last[0], last[1] + 1, waiting[at][2]), *waiting[at + 1 :]]
    for finding in findings if corpus is not None else ():
        _keep(corpus / finding.target, finding)
    return findings


def change_again(target: Target, seed: int) -> bytes:
    """Return the file of a trial."""
    with tempfile.TemporaryDirectory(prefix="acq-fuzz-") as folder:
        path = Path(folder) / target.file
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(whole := target.make())
        return (target.change or change_bytes)(random.Random(seed), whole, path)


def _keep(folder: Path, finding: Finding) -> None:
    from tests.support.hostile_targets import TARGETS

    folder.mkdir(parents=True, exist_ok=True)
    broken = change_again(TARGETS[finding.target], finding.seed)
    (folder / f"{finding.seed}.gz").write_bytes(gzip.compress(broken, mtime=0))


def _follow(
    child: subprocess.Popen, findings: list[Finding]
) -> tuple[tuple[str, int] | None, str]:
    """Read what a child says until it ends; return its last trial, and how it broke off, or ""."""
    assert child.stdout is not None
    last, buffer = None, b""
    with child.stdout as stdout:
        while True:
            ready, _, _ = select.select([stdout], [], [], LONGEST_S + 30)
            if not ready:
                child.kill()
                child.wait()
                return last, f"no end in {LONGEST_S} s"
            data = os.read(stdout.fileno(), 65536)
            buffer += data
            *lines, buffer = buffer.split(b"\n")
            for said in map(json.loads, lines):
                last = said["target"], said["seed"]
                if what := said.get("what"):
                    findings.append(Finding(*last, what))
            if not data:
                code = child.wait()
                return last, "" if code == 0 else f"the reader ended with code {code}"


def main() -> None:
    """Be the child: a line of JSON before each trial, and one for each finding."""
    folder, waiting = Path(sys.argv[1]), json.loads(sys.argv[2])
    from tests.support.hostile_targets import TARGETS

    for name, *_ in waiting:
        whole = folder / TARGETS[name].file
        whole.parent.mkdir(parents=True, exist_ok=True)
        whole.write_bytes(TARGETS[name].make())
        if what := read_one(TARGETS[name], whole):       # and what is imported late is not its own
            raise AssertionError(f"{name}: {what}")
    with open("/proc/self/statm") as file:
        taken = int(file.read().split()[0]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (taken + MOST_MB * 2**20,) * 2)

    def say(**what: object) -> None:
        sys.stdout.write(json.dumps(what) + "\n")
        sys.stdout.flush()

    for name, first, end in waiting:
        def on_seed(seed: int, name: str = name) -> None:
            say(target=name, seed=seed)

        for finding in run_trials(TARGETS[name], folder, range(first, end), on_seed):
            say(target=name, seed=finding.seed, what=finding.what)


if __name__ == "__main__":
    main()
