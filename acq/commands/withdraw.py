"""The verb `acq withdraw`."""

import shlex
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from acq import complete
from acq.advice import data_option, in_data
from acq.options import ExistingData, Json, Quiet, Yes, check_can_ask, confirm
from acq.terminal.printing import echo, print_json
from acq.terminal.progress import show_progress
from dataset.common.wording import counted

if TYPE_CHECKING:
    from dataset.withdraw.plan import WithdrawalOutcome
    from dataset.withdraw.subject_files import SubjectFile, SubjectFiles


def withdraw(
    subject: Annotated[
        str,
        typer.Argument(
            metavar="SUBJECT", help="Pseudonym of the person, such as S03.",
            autocompletion=complete.subjects,
        ),
    ],
    models: Annotated[
        bool, typer.Option("--models", help="Remove the runs that saw the subject, too.")
    ] = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="List what would be removed, and remove nothing.")
    ] = False,
    yes: Yes = False,
    data: ExistingData = Path("data"),
    quiet: Quiet = False,
    as_json: Json = False,
) -> None:
    """Remove a subject and all that was made of its recordings; list the models that saw it."""
    from acquire.data_folder import check_subject
    from dataset.withdraw.plan import plan_withdrawal
    from dataset.withdraw.withdraw import withdraw as withdraw_subject

    check_subject(subject)
    with show_progress(quiet=quiet) as on_progress:
        plan = plan_withdrawal(data, subject, models=models, on_progress=on_progress)
    if dry_run:
        if as_json:
            print_json(_as_json(plan, done=False))
        else:
            _print_plan(plan, models=models)
        return
    if not yes:
        check_can_ask(f"--dry-run lists what of {subject} would be removed")
        _print_plan(plan, models=models, err=True)
        confirm(f"Remove all this of {subject}? It cannot be undone")
    exports = _exports(data, plan)
    done = withdraw_subject(data, subject, models=models)
    if as_json:
        print_json(_as_json(done, done=True))
    else:
        _print_done(done, subject, exports, data)


def _print_plan(plan: "WithdrawalOutcome", *, models: bool, err: bool = False) -> None:
    files = plan.files
    removed = [*files.removable, *(_run_folders(files) if models else [])]
    for file in removed:
        echo(
            f"remove   {file.size_bytes / 1e6:10.3f} MB  {file.path}  ({file.label})", err=err
        )
    for path in files.lists:
        gone = plan.split_removed and path.name == "split.json"
        echo(f"{'remove ' if gone else 'rewrite'}                  {path}", err=err)
    size_mb = sum(file.size_bytes for file in removed) / 1e6
    echo(f"{counted(len(removed), 'place')}, {size_mb:.3f} MB", err=err)
    _print_rest(plan, err=err)


def _exports(data: Path, plan: "WithdrawalOutcome") -> dict[str, str]:
    """Return the exports that go, each with the option that makes it anew."""
    from acquire.data_folder import bids_dir, pure_dir
    from dataset.layouts.export_manifest import read_export_manifest
    from dataset.withdraw.subject_files import EXPORT

    exports = {}
    for root in (file.path for file in plan.files.derived if file.label == EXPORT):
        if root == bids_dir(data):
            exports[root.name] = "--to bids"
        elif root == pure_dir(data):
            exports[root.name] = f"--to {read_export_manifest(root).layout}"
        else:
            exports[f"for {root.name}"] = f"--for {shlex.quote(root.name)}"
    return exports


def _print_done(
    done: "WithdrawalOutcome", subject: str, exports: dict[str, str], data: Path
) -> None:
    from dataset.withdraw.subject_files import DATASET_CARD, QUALITY_OF_OTHERS, QUALITY_PAGE

    noted = done.record
    models = f", {counted(noted.models_removed, 'run')}" if noted.models_removed else ""
    echo(
        f"removed {subject}: {counted(noted.recordings, 'recording')}, "
        f"{counted(noted.folders, 'curated folder')}{models} and "
        "what was made of them; noted in withdrawals.json, without a name"
    )
    if done.split_removed:
        echo(
            f"the split is removed, as it does not hold without {subject} (nobody is left on one "
            "side, or it names it elsewhere): "
            + in_data("run acq split and acq convert again")
        )
    labels = {file.label for file in done.files.derived}
    if DATASET_CARD in labels:
        echo(in_data("the dataset card is removed: acq card writes it anew"))
    for name, option in exports.items():
        command = f"acq convert {option}{data_option(data)}"
        echo(f"the export {name} is removed as a whole: {command} writes it anew")
    if labels & {QUALITY_PAGE, QUALITY_OF_OTHERS}:
        echo(f"pages of acq qc that named it are removed: {in_data('acq qc')} writes them anew")
    _print_rest(done, err=False)


def _print_rest(plan: "WithdrawalOutcome", *, err: bool) -> None:
    """Print what stays, and what was not looked at."""
    files = plan.files
    if plan.runs_left:
        echo(
            "these runs saw the subject: delete them (--models) or train again; their files still "
            "name it",
            err=err,
        )
        for run in files.runs:
            side = (
                "trained"
                if files.names.subject in run.train
                else "tested"
                if files.names.subject in run.test
                else "trained or tested"
            )
            echo(f"  {run.folder}  ({side} on it)", err=err)
    for path in files.mentions:
        echo(f"names it, and is not touched: {path}", err=err)
    for line in files.unchecked:
        echo(f"not looked at: {line}", err=err)
    echo(
        "what was copied elsewhere, data or models, cannot be reached from here: ask for it to be "
        "deleted there",
        err=err,
    )


def _run_folders(files: "SubjectFiles") -> "list[SubjectFile]":
    from dataset.withdraw.subject_files import as_subject_file

    return [as_subject_file("run", run.folder) for run in files.runs]


def _as_json(plan: "WithdrawalOutcome", *, done: bool) -> dict:
    files = plan.files
    return {
        "done": done,
        **asdict(plan.record),
        "split_removed": plan.split_removed,
        "removed": [
            {"what": file.label, "path": str(file.path), "bytes": file.size_bytes}
            for file in files.removable
        ],
        "rewritten": [str(path) for path in files.lists],
        "runs": [str(run.folder) for run in files.runs],
        "runs_left": [str(path) for path in plan.runs_left],
        "named": [str(path) for path in files.mentions],
        "not_looked_at": list(files.unchecked),
    }
