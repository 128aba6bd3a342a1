"""The verb `acq withdraw`."""

import json
import sys
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from acq.options import Data, Json, Quiet, progress_bars
from acquire.errors import CurationError
from dataset.common.wording import counted

if TYPE_CHECKING:
    from dataset.withdraw.find_files import Trace, Traces
    from dataset.withdraw.withdraw import Withdrawn


def withdraw(
    subject: Annotated[
        str, typer.Argument(metavar="SUBJECT", help="Pseudonym of the person, such as S03.")
    ],
    models: Annotated[
        bool, typer.Option("--models", help="Remove the runs that saw the subject, too.")
    ] = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="List what would be removed, and remove nothing.")
    ] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    data: Data = Path("data"),
    quiet: Quiet = False,
    as_json: Json = False,
) -> None:
    """Remove a subject: recordings, curated folders and all that was made of them; list the models
    that saw it.
    """
    from acquire.data_folder import check_subject
    from dataset.withdraw.withdraw import plan_withdrawal
    from dataset.withdraw.withdraw import withdraw as withdraw_subject

    check_subject(subject)
    with progress_bars(quiet=quiet) as on_progress:
        plan = plan_withdrawal(data, subject, models=models, on_progress=on_progress)
    if dry_run:
        if as_json:
            typer.echo(json.dumps(_as_json(plan, done=False), indent=2))
        else:
            _print_plan(plan, models=models)
        return
    if not yes:
        if not sys.stdin.isatty():
            raise CurationError(
                f"expected --yes where nobody can be asked; --dry-run lists what of {subject} "
                "would be removed"
            )
        _print_plan(plan, models=models, err=True)
        typer.confirm(f"Remove all this of {subject}? It cannot be undone", abort=True, err=True)
    done = withdraw_subject(data, subject, models=models)
    if as_json:
        typer.echo(json.dumps(_as_json(done, done=True), indent=2))
    else:
        _print_done(done, subject)


def _print_plan(plan: "Withdrawn", *, models: bool, err: bool = False) -> None:
    traces = plan.traces
    removed = [*traces.removable, *(_traces_of(traces) if models else [])]
    for trace in removed:
        typer.echo(f"remove   {trace.bytes / 1e6:10.3f} MB  {trace.path}  ({trace.what})", err=err)
    for path in traces.lists:
        gone = plan.split_removed and path.name == "split.json"
        typer.echo(f"{'remove ' if gone else 'rewrite'}                  {path}", err=err)
    typer.echo(
        f"{counted(len(removed), 'place')}, {sum(trace.bytes for trace in removed) / 1e6:.3f} MB",
        err=err,
    )
    _print_rest(plan, err=err)


def _print_done(done: "Withdrawn", subject: str) -> None:
    noted = done.noted
    models = f", {counted(noted.models_removed, 'run')}" if noted.models_removed else ""
    typer.echo(
        f"removed {subject}: {counted(noted.recordings, 'recording')}, "
        f"{counted(noted.folders, 'curated folder')}{models} and "
        "what was made of them; noted in withdrawals.json, without a name"
    )
    if done.split_removed:
        typer.echo(
            "the split is removed, as nobody was left on one side: run acq split and acq convert "
            "again"
        )
    if any(trace.what == "dataset card" for trace in done.traces.others):
        typer.echo("the dataset card is removed: acq card writes it anew")
    if any(trace.what == "PURE export" for trace in done.traces.others):
        typer.echo("the PURE export is removed as a whole: acq convert --to pure writes it anew")
    if any("qc" in trace.what or "quality" in trace.what for trace in done.traces.others):
        typer.echo("pages of acq qc that named it are removed: acq qc writes them anew")
    _print_rest(done, err=False)


def _print_rest(plan: "Withdrawn", *, err: bool) -> None:
    """Print what stays, and what was not looked at."""
    traces = plan.traces
    if plan.runs_left:
        typer.echo(
            "these runs saw the subject: delete them (--models) or train again; their files still "
            "name it",
            err=err,
        )
        for run in traces.runs:
            side = (
                "trained"
                if traces.subject in run.train
                else "tested"
                if traces.subject in run.test
                else "trained or tested"
            )
            typer.echo(f"  {run.folder}  ({side} on it)", err=err)
    for path in traces.named:
        typer.echo(f"names it, and is not touched: {path}", err=err)
    for line in traces.unknown:
        typer.echo(f"not looked at: {line}", err=err)
    typer.echo(
        "what was copied elsewhere, data or models, cannot be reached from here: ask for it to be "
        "deleted there",
        err=err,
    )


def _traces_of(traces: "Traces") -> "list[Trace]":
    from dataset.withdraw.find_files import Trace, size_of

    return [Trace("run", run.folder, size_of(run.folder)) for run in traces.runs]


def _as_json(plan: "Withdrawn", *, done: bool) -> dict:
    traces = plan.traces
    return {
        "done": done,
        **asdict(plan.noted),
        "split_removed": plan.split_removed,
        "removed": [
            {"what": file.what, "path": str(file.path), "bytes": file.bytes}
            for file in traces.removable
        ],
        "rewritten": [str(path) for path in traces.lists],
        "runs": [str(run.folder) for run in traces.runs],
        "runs_left": [str(path) for path in plan.runs_left],
        "named": [str(path) for path in traces.named],
        "not_looked_at": list(traces.unknown),
    }
