"""The verb `acq demo`: the whole road on the virtual rig, by the same commands that a lab uses."""

import json
import shutil
import subprocess
import time
from pathlib import Path
from typing import Annotated, Any

import typer

from acq.extras import check_installed
from acq.jobs.program import ACQ
from acq.options import Force, Json, parse_duration
from acq.terminal.printing import echo, print_json
from acq.terminal.progress import show_progress
from acquire.errors import AcqError
from dataset.common.wording import counted

SUBJECTS = ("S01", "S02", "S03", "S04")
HOLDOUT = "S04"
_STDERR = 2            # its file number
_END_S = 1.5           # of verbs that are told to end
_MARK = ".acq-demo"    # only a folder that holds this file is ever removed


def demo(
    out: Annotated[
        Path, typer.Option("--out", help="The demo's own folder; --force replaces it.")
    ] = Path("demo"),
    duration: Annotated[
        str, typer.Option("--duration", metavar="TIME", help="Length of each recording.")
    ] = "60s",
    seed: Annotated[
        int, typer.Option("--seed", min=0, help="Seed of the virtual subjects.")
    ] = 0,
    force: Force = False,
    as_json: Json = False,
) -> None:
    """Record four virtual subjects, grade, split, convert, train, report: no hardware needed."""
    duration_s = parse_duration(duration)
    check_installed()
    from acquire.writing import hold, named

    with hold(out.absolute().parent, named(out.name), make=True):
        _make_folder(out, force=force)
        _walk(out / "data", duration_s, seed, as_json=as_json)


def _walk(data: Path, duration_s: float, seed: int, *, as_json: bool) -> None:
    """Record, grade, split, convert and train."""
    from models.board.find_net import has_shipped_teacher

    started = time.monotonic()
    echo(
        f"Four virtual subjects, {duration_s:g} s each, side by side in real time; marked as "
        "simulated.",
        bold=True, err=as_json,
    )
    _record_side_by_side(data, duration_s, seed, err=as_json)
    for words in verbs_after_recording(has_teacher=has_shipped_teacher()):
        _run(*words, "--data", str(data), err=as_json)
    _report(data, time.monotonic() - started, as_json=as_json)


def verbs_after_recording(*, has_teacher: bool) -> list[tuple[str, ...]]:
    """Return the verbs that make a report of the recordings.

    Parameters
    ----------
    has_teacher : a teacher comes with this installation. Training starts from it: its people are
        drawn for training alone, so that none is of this demo, and training checks it
    """
    init = ("--init", "shipped") if has_teacher else ()
    return [
        ("qc",), ("split", "--holdout", HOLDOUT), ("convert",),
        ("train-kd", *init),
    ]


def _report(data: Path, seconds: float, *, as_json: bool) -> None:
    """Print what the demo made, and what its networks are worth."""
    from dataset.runs import METRICS, newest_training_run

    run = newest_training_run(data)
    verdict = json.loads((run / METRICS).read_text())["verdict"]["words"]
    if as_json:
        print_json({
            "data": data, "run": run, "report": run / "report.html", "verdict": verdict,
            "seconds": seconds,
        })
        return
    for sentence in verdict:
        echo(sentence)
    echo(f"the whole road took {seconds:.0f} s, on virtual people: of real faces it says nothing")


def _make_folder(out: Path, *, force: bool) -> None:
    if out.exists():
        if not (out / _MARK).exists():
            raise AcqError(
                f"expected {out} to be new or an earlier demo, found another folder; name a new "
                "one with --out"
            )
        if not force:
            raise AcqError(
                f"expected {out} to be new, found an earlier demo there; replace it with --force"
            )
        shutil.rmtree(out)
    out.mkdir(parents=True)
    (out / _MARK).touch()


def _command(*words: str) -> list[str]:
    return [*ACQ, *words]


def _run(*words: str, err: bool) -> None:
    """Run one verb as a user would, and show it; on stderr where stdout is for a document."""
    echo(err=err)
    echo(f"$ acq {' '.join(words)}", bold=True, err=err)
    out = _STDERR if err else None
    verb = subprocess.Popen(_command(*words), stdout=out)
    try:
        code = verb.wait()
    finally:
        _end([verb])
    if code:
        raise AcqError(f"expected `acq {words[0]}` to succeed, got exit code {code}; see above")


def _record_side_by_side(data: Path, duration_s: float, seed: int, *, err: bool) -> None:
    words = (
        "--simulate", "--duration", f"{duration_s:g}s", "--seed", str(seed), "--data", str(data),
        "--quiet", "--json",
    )
    others = ", ".join(SUBJECTS[1:])
    echo(
        f"$ acq record --subject {SUBJECTS[0]} --simulate --duration {duration_s:g}s   (and "
        f"{others})",
        bold=True, err=err,
    )
    recorders = {
        subject: subprocess.Popen(
            _command("record", "--subject", subject, *words), stdout=subprocess.PIPE,
            stderr=subprocess.PIPE, text=True,
        )
        for subject in SUBJECTS
    }
    try:
        with show_progress() as on_progress:
            began = time.monotonic()
            while any(recorder.poll() is None for recorder in recorders.values()):
                on_progress(
                    "recording", round(min(time.monotonic() - began, duration_s)), round(duration_s)
                )
                time.sleep(0.2)
        for subject, recorder in recorders.items():
            out, said = recorder.communicate()
            if recorder.returncode:
                raise AcqError(
                    f"expected a recording of {subject}, got: {_last_error(said)} (exit code "
                    f"{recorder.returncode})"
                )
            echo(f"{subject}: {_describe(json.loads(out))}", err=err)
    finally:
        _end(list(recorders.values()))


def _describe(summary: dict[str, Any]) -> str:
    """Return a recording in a line, with what it lost under its cause."""
    lost = [
        f"{counted(count, noun)} {cause}"
        for noun in ("frame", "sample")
        for cause, count in summary[f"lost_{noun}s"].items()
    ]
    bound_ms = summary["sync_bound_ms"]
    bound = "no sync bound" if bound_ms is None else f"sync within {bound_ms:.2f} ms"
    return (
        f"{summary['frames']} frames at {summary['fps']:.2f}/s, {summary['samples']} samples, "
        f"{bound}, lost {'; '.join(lost) or 'nothing'}"
    )


def _end(children: list[subprocess.Popen]) -> None:
    """End what still runs, and let it remove what it has half made."""
    for child in children:
        if child.poll() is None:
            child.terminate()
    until_s = time.monotonic() + _END_S
    for child in children:
        try:
            child.wait(max(0.0, until_s - time.monotonic()))
        except subprocess.TimeoutExpired:
            child.kill()
            child.wait()


def _last_error(said: str) -> str:
    """Return the last error that a recorder printed on stderr, one JSON object a line."""
    for line in reversed(said.splitlines()):
        try:
            return str(json.loads(line)["error"])
        except (ValueError, KeyError, TypeError):
            continue
    return "no reason"
