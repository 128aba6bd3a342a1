"""The verb `acq import`."""

from dataclasses import asdict
from enum import Enum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from acq.advice import advise
from acq.options import Data, Force, Jobs, Json, Quiet, Scheduler, choose_workers
from acq.terminal.printing import complain, echo, note, print_json, warn
from acq.terminal.progress import is_drawn, show_progress
from dataset.common.wording import counted

if TYPE_CHECKING:
    from collections.abc import Iterable

    from dataset.common.progress import OnProgress
    from dataset.common.workers import Outcome, Workers
    from dataset.public.import_set import ImportedFolder


_MOST_LISTED = 20        # recordings that have one defect


class SetName(str, Enum):
    """Which public data set."""

    UBFC1 = "ubfc1"
    UBFC2 = "ubfc2"
    PURE = "pure"
    UBFC_PHYS = "ubfc-phys"
    MMPD = "mmpd"
    IBVP = "ibvp"
    COHFACE = "cohface"
    LGI_PPGI = "lgi-ppgi"
    SCAMPS = "scamps"


Root = Annotated[Path, typer.Argument(metavar="ROOT", help="Folder that holds the set's folders.")]
Which = Annotated[
    SetName | None,
    typer.Option("--set",
                 help="Which set it is; found out where not given."),
]
Prefix = Annotated[
    str | None,
    typer.Option("--subject-prefix", metavar="TEXT",
                 help="Before a subject's number, instead of the set's name."),
]


def import_(
    root: Root,
    which: Which = None,
    prefix: Prefix = None,
    data: Data = Path("data"),
    jobs: Jobs = None,
    scheduler: Scheduler = None,
    force: Force = False,
    quiet: Quiet = False,
    as_json: Json = False,
) -> None:
    """Import a public set as sessions; name every defect and every recording left out."""
    from acquire.data_folder import doubtful_names
    from dataset.consistency.copies import find_imported_copies
    from dataset.public.import_set import import_set

    workers = choose_workers(jobs, scheduler)
    # on a terminal the line of each folder shows how far it is
    with show_progress(quiet=quiet or (is_drawn() and not as_json)) as on_progress:
        outcomes = import_set(
            root, data, which=which and which.value, prefix=prefix, force=force,
            workers=workers, on_progress=on_progress,
        )
        imported, failed = _print_each(outcomes, root, as_json=as_json)
    imported.sort(key=lambda recording: recording.session)
    with show_progress(quiet=quiet) as on_progress:
        empty = _find_unlearnable(data, imported, workers, on_progress)
    if as_json:
        listed = [asdict(recording) for recording in imported]
        print_json({"imported": listed, "failed": failed, "nothing_to_learn_from": empty})
    else:
        new = sum(not recording.kept for recording in imported)
        out = f", {failed} left out" if failed else ""
        there = f", {len(imported) - new} there already" if len(imported) > new else ""
        nothing = f"; nothing to learn from in {len(empty)} of the imported" if empty else ""
        echo(f"imported {counted(new, 'recording')}{there}{out}{nothing}")
    for session, reason in empty.items():
        warn(f"{session} holds nothing to learn from: {reason}")
    for doubt in [*doubtful_names(data), *find_imported_copies(data)]:
        warn(advise(doubt, "import"))
    if failed:
        raise typer.Exit(1)


def _print_each(
    outcomes: "Iterable[tuple[Path, Outcome[ImportedFolder]]]", root: Path, *, as_json: bool
) -> "tuple[list[ImportedFolder], int]":
    """Print what becomes of each; return the recordings and how many have failed."""
    imported: list[ImportedFolder] = []
    failed = 0
    # where a defect is, and its words there; of defects that differ in a file's name alone
    alike: dict[str, tuple[list[str], str]] = {}
    for path, outcome in outcomes:
        recording = outcome.value
        if recording is None:
            failed += 1
            reason = advise(outcome.cause, "import") if outcome.cause else outcome.error
            complain(f"{path.relative_to(root).as_posix()} not imported: {reason}")
            continue
        imported.append(recording)
        for defect in recording.defects:
            name = Path(recording.folder).name
            # a number, as COHFACE has it, may stand in the words for another thing
            key = defect if name.isdigit() else defect.replace(name, "")
            folders, words = alike.setdefault(key, ([], defect))
            folders.append(recording.folder)
            if len(folders) == 1:
                note(f"{recording.folder}: {words}")
        if not as_json:
            echo(_described(recording))
    for (first, *others), words in alike.values():
        if others:
            listed = ", ".join(sorted(others)[:_MOST_LISTED])
            more = f" and {len(others) - _MOST_LISTED} more" if len(others) > _MOST_LISTED else ""
            count = counted(len(others), "more recording")
            note(f"the same in {count}: {listed}{more} (as in {first}: {words})")
    return imported, failed


def _find_unlearnable(
    data: Path, imported: "list[ImportedFolder]", workers: "Workers",
    on_progress: "OnProgress | None",
) -> dict[str, str]:
    """Return the sessions from which nothing can be learnt, and why; in their order."""
    from acquire.data_folder import session_file
    from dataset.common.workers import work_through
    from dataset.convert.learnable import is_learnable

    paths = [session_file(data, one.subject, one.session) for one in imported]
    reasons = [""] * len(paths)
    for done, (at, outcome) in enumerate(work_through(is_learnable, paths, workers=workers), 1):
        reasons[at] = outcome.value.why_not if outcome.value else outcome.error
        if on_progress:
            on_progress("looking at what was imported", done, len(paths))
    return {one.session: reason for one, reason in zip(imported, reasons, strict=True) if reason}


def _described(recording: "ImportedFolder") -> str:
    lost = ""
    if recording.lost_frames or recording.lost_samples:
        lost = (
            f", {counted(recording.lost_frames, 'frame')} and "
            f"{counted(recording.lost_samples, 'sample')} lack"
        )
    is_named = f"{recording.session}-".startswith(f"{recording.subject}-")
    subject = "" if is_named else f" of {recording.subject}"
    is_there = " (was there)" if recording.kept else ""
    simulated = " (simulated)" if recording.simulated else ""
    return (
        f"{recording.folder} -> {recording.session}{subject}{is_there}{simulated}: "
        f"{counted(recording.frames, 'frame')}, "
        f"{counted(recording.samples, 'sample')}{lost}"
    )
