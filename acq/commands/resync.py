"""The verb `acq resync`."""

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from acq.advice import data_option, split_again
from acq.each_in_turn import EachInTurn
from acq.options import Data, Json, SessionFiles
from acq.terminal.printing import echo
from acquire.errors import AcqError

if TYPE_CHECKING:
    from dataset.recovery.resync import Resync
    from dataset.selection.split import Split


def resync(
    session: SessionFiles,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Say what would change, and change nothing.")
    ] = False,
    data: Data = Path("data"),
    as_json: Json = False,
) -> None:
    """Place the samples of recordings in time again, from the exchanges they hold."""
    from dataset.recovery.resync import resync as place_again
    from dataset.session.find import session_path

    printed = EachInTurn("resync", as_json=as_json)
    for text in session:
        with printed.one(text):
            path = session_path(data, text)
            placed = place_again(path, dry_run=dry_run)
            if as_json:
                printed.add({**asdict(placed), "path": str(path)})
            else:
                _print(placed, path, dry_run=dry_run)
    printed.end()


def _print(placed: "Resync", path: Path, *, dry_run: bool) -> None:
    from acquire.data_folder import root_of

    before, after = (
        _bound(placed.bound_before_ms, placed.unbounded_before),
        _bound(placed.bound_ms, placed.unbounded),
    )
    echo(
        f"{placed.session_id}: {before} -> {after}; {placed.changed} of {placed.samples} samples "
        f"{'would change' if dry_run else 'changed'}, by {placed.moved_ms:.3f} ms at most"
    )
    if (
        placed.changed
        and not dry_run
        and (found := _split_with(path, placed.session_id)) is not None
    ):
        echo(
            f"  its hash is another now: make {found[0]}, which lists it, anew with "
            f"{split_again(found[1])}{data_option(root_of(path))}"
        )


def _split_with(path: Path, session_id: str) -> "tuple[Path, Split] | None":
    """Return the split beside the recordings, and its file, if it can be read and lists it."""
    from acquire.data_folder import split_file
    from dataset.selection.split_file import read_split

    split = split_file(path.absolute().parent.parent.parent)  # DATA/sessions/<subject>/<file>
    try:
        made = read_split(split)
    except (AcqError, OSError):
        return None
    return (split, made) if session_id in {one.session for one in made.sessions} else None


def _bound(widest_ms: float | None, unbounded: int) -> str:
    bound = "no bound" if widest_ms is None else f"within {widest_ms:.3f} ms"
    return f"{bound}, {unbounded} samples without" if unbounded and widest_ms is not None else bound
