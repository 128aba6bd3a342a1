"""The verb `acq resync`."""

from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from acq.advice import advise
from acq.options import Json
from acq.terminal.printing import complain, echo, print_json
from acquire.errors import AcqError


def resync(
    file: Annotated[
        list[Path],
        typer.Argument(
            metavar="FILE...", readable=False, help="Session files, data/sessions/<subject>/*.h5."
        ),
    ],
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Say what would change, and change nothing.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Place the samples of recordings in time again, from the exchanges they hold."""
    from dataset.recovery.resync import resync as place_again

    failed: AcqError | OSError | None = None
    for path in file:
        try:
            placed = place_again(path, dry_run=dry_run)
        except (AcqError, OSError) as error:
            if failed is not None:                     # one line each; `main` prints the last
                complain(advise(failed, "resync") if isinstance(failed, AcqError) else str(failed))
            failed = error
            continue
        if as_json:
            print_json({**asdict(placed), "path": str(path)})
            continue
        before, after = (
            _bound(placed.bound_before_ms, placed.unbounded_before),
            _bound(placed.bound_ms, placed.unbounded),
        )
        did = "would change" if dry_run else "changed"
        echo(
            f"{placed.session_id}: {before} -> {after}; {placed.changed} of {placed.samples} "
            "samples "
            f"{did}, "
            f"by {placed.moved_ms:.3f} ms at most"
        )
        if (
            placed.changed
            and not dry_run
            and (split := _split_with(path, placed.session_id)) is not None
        ):
            echo(
                f"  its hash is another now: make {split}, which lists it, anew with acq split "
                "--force"
            )
    if failed is not None:
        raise failed


def _split_with(path: Path, session_id: str) -> Path | None:
    """Return the split file beside the recordings if it can be read and lists this session."""
    from acquire.data_folder import split_file
    from dataset.selection.split_file import read_split

    split = split_file(path.absolute().parent.parent.parent)  # DATA/sessions/<subject>/<file>
    try:
        listed = session_id in (session.session for session in read_split(split).sessions)
    except (AcqError, OSError):
        return None
    return split if listed else None


def _bound(widest_ms: float | None, unbounded: int) -> str:
    bound = "no bound" if widest_ms is None else f"within {widest_ms:.3f} ms"
    return f"{bound}, {unbounded} samples without" if unbounded and widest_ms is not None else bound
