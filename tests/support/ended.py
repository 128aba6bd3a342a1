"""Verbs of acq as real processes: ended by a signal at a moment, or begun twice at once."""

import os
import shutil
import signal
import subprocess
import sys
import time
from collections import Counter
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from dataset.verify.verify import verify_data

_HALF_MADE = (".part", ".ubfc-partial", ".ubfc-replacing", ".pure-partial", ".import-partial")
WAIT_S = 300.0


@contextmanager
def hearing_ctrl_c():
    """Let a child that is started hear Ctrl-C; in a shell's background job it would ignore it."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


def start(*words, cwd):
    """Start a verb as the leader of a process group of its own."""
    with hearing_ctrl_c():
        return subprocess.Popen(
            [sys.executable, "-m", "acq.start", *map(str, words)], cwd=cwd, text=True,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, start_new_session=True,
        )


@dataclass(frozen=True)
class Ended:
    """How a process ended."""

    code: int
    seconds: float          # from the signal to the end
    out: str
    err: str
    before: bool = False    # it had ended before the signal


def end_when(process, is_time, number, *, all_of_it=True):
    """Send a signal to a process, or to all of its group, as soon as `is_time()`."""
    until_s = time.monotonic() + WAIT_S
    while not (reached := is_time()) and process.poll() is None and time.monotonic() < until_s:
        time.sleep(0.01)
    begun_s, before = time.monotonic(), process.poll() is not None
    if not before:
        (os.killpg if all_of_it else os.kill)(process.pid, number)
    assert reached or before, "the moment never came"
    try:
        out, err = process.communicate(timeout=300)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        raise
    return Ended(process.returncode, time.monotonic() - begun_s, out, err, before)


def half_made(folder):
    """List what is left of work that was not finished, locks too; interrupted runs may stay."""
    return sorted(
        path.relative_to(folder).as_posix() for path in Path(folder).rglob("*")
        if path.name.endswith(_HALF_MADE) or path.parent.name == ".locks"
        if not (path.parent.name == "runs" and (path / "run.json").exists())
    )


# words of the verbs that take long, in a folder that holds `data/`; %d: another one each time
LONG = (
    "qc --force", "qc --jobs 2 --force", "split --folds 3 --force", "convert --force --codec ffv1",
    "convert --jobs 2 --force --codec ffv1", "convert --to pure --force", "card --force", "verify",
    "evaluate green chrom", "train-kd --epochs 2", "withdraw S02 --yes --models",
    "simulate --subjects 4 --sessions 2 --duration 20s --force --seed 7",
    "record --subject S09 --simulate", "live --simulate", "predict {session}",
    "recover {torn}",
)
ENDED_BY_SIGNAL = ("record", "live")
TWICE = (*(words for words in LONG if words.split()[0] not in ("live", "record")),
         "record --subject S09 --simulate --duration 3s", "exclude {session} --reason both",
         "subject S01 --sex F --force")
SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


def make_data(folder):
    """Make `folder/data` by the verbs themselves: three virtual subjects, split and curated."""
    for words in (
        "simulate --subjects 3 --sessions 1 --duration 14s", "split --holdout S03", "convert",
    ):
        process = start(*words.split(), "--quiet", cwd=folder)
        _, err = process.communicate(timeout=500)
        assert process.returncode == 0, err
    return folder / "data"


def _words(text, data):
    """Return a verb's words; what it is to recover is torn first."""
    paths = sorted(data.glob("sessions/*/*.h5"))
    if "{torn}" in text:
        paths[0].write_bytes(paths[0].read_bytes()[:-20_000])
    return text.format(session=paths[1], torn=paths[0]).split()


def check_end(words, code, err):
    """Check what a verb said at its end: no traceback, and an error in one line."""
    assert "Traceback" not in err, (words, err)
    assert "Exception ignored" not in err, (words, err)
    if code:
        assert err.splitlines()[-1].startswith("acq: "), (words, code, err)


def end_at_random(folder, trials, rng, *, first=0):
    """End long verbs by random signals at random moments; return how each ended, and the longest.

    Trial number `first` is of that verb in `LONG`, the next of the next.

    The data folder is whole after each, as `acq verify` sees it.
    """
    whole, counts, longest_s = make_data(folder), Counter(), 0.0
    for trial in range(first, first + trials):
        text, number = LONG[trial % len(LONG)], rng.choice(SIGNALS)
        here = folder / "trial"
        data = shutil.copytree(whole, here / "data")
        words, end_s = _words(text, data), time.monotonic() + rng.uniform(0.3, 9.0)
        ended = end_when(
            start(*words, cwd=here), lambda end_s=end_s: time.monotonic() > end_s, number,
            all_of_it=rng.random() < 0.5,
        )
        check_end(words, ended.code, ended.err)
        expected = {0} if ended.before else {128 + number, -number}     # -: before Python hears it
        if words[0] in ENDED_BY_SIGNAL:
            expected |= {0}
        assert ended.code in expected, (words, ended)
        assert half_made(data) == [], (words, number, ended)
        check_whole(words, data)
        longest_s = max(longest_s, 0.0 if ended.before else ended.seconds)
        counts["done before" if ended.before else "ended"] += 1
        shutil.rmtree(here)
    return counts, longest_s


def begin_twice(folder, trials, rng, *, first=0):
    """Begin two of each verb at once, from that verb in `TWICE`; return how the pairs ended."""
    whole, counts = make_data(folder), Counter()
    for trial in range(first, first + trials):
        here = folder / "trial"
        data = shutil.copytree(whole, here / "data")
        words = _words(TWICE[trial % len(TWICE)], data)
        pair = [start(*words, cwd=here)]
        time.sleep(rng.uniform(0.0, 1.0))
        pair.append(start(*words, cwd=here))
        ends = [(*process.communicate(timeout=500), process.returncode) for process in pair]
        for number, (_, err, code) in enumerate(ends):
            check_end(words, code, err)
            if code and f"process {pair[1 - number].pid} on " in err:
                counts["one refused"] += 1
        assert 0 in [code for *_, code in ends], (words, ends)
        assert half_made(data) == [], (words, ends)
        check_whole(words, data)
        counts["pairs"] += 1
        shutil.rmtree(here)
    return counts


def check_whole(words, data):
    """Check that nothing of a data folder is broken, as `acq verify` sees it."""
    findings = [
        finding.text for finding in verify_data(data).findings
        if finding.kind == "broken" and words[0] != "withdraw"
    ]
    if words[0] == "recover":        # a torn recording is another one than the split was made from
        findings = [text for text in findings if "S01" not in text]
    assert findings == [], (words, findings)
