"""The verb `acq resync`."""

import json
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from acq.options import Json


def resync(
    file: Annotated[list[Path], typer.Argument(metavar="FILE...", help="Session files, data/sessions/<subject>/*.h5.")],
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what would change, and change nothing.")] = False,
    as_json: Json = False,
) -> None:
    """Place the samples of recordings in time again, from the exchanges they hold."""
    from dataset.resync import resync as place_again

    for path in file:
        found = place_again(path, dry_run=dry_run)
        if as_json:
            typer.echo(json.dumps({**asdict(found), "path": str(path)}, indent=2))
            continue
        before, after = _bound(found.bound_before_ms, found.unbounded_before), _bound(found.bound_ms, found.unbounded)
        did = "would change" if dry_run else "changed"
        typer.echo(
            f"{found.session_id}: {before} -> {after}; {found.changed} of {found.samples} samples {did}, "
            f"by {found.moved_ms:.3f} ms at most"
        )
        if found.changed and not dry_run:
            typer.echo("  its hash is another now: make a split that has it anew, with acq split --force")


def _bound(widest_ms: float | None, unbounded: int) -> str:
    bound = "no bound" if widest_ms is None else f"within {widest_ms:.3f} ms"
    return f"{bound}, {unbounded} samples without" if unbounded and widest_ms is not None else bound
