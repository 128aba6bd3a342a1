"""The verb `acq recover`."""

import json
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from acq.options import Json, Quiet, progress_bars


def recover(
    file: Annotated[
        Path,
        typer.Argument(
            metavar="FILE", readable=False,
            help="A recording that was killed, cut short or damaged.",
        ),
    ],
    quiet: Quiet = False,
    as_json: Json = False,
) -> None:
    """Turn a recording that was killed, cut short or damaged into a clean session; the survivor is
    kept as FILE.killed.
    """
    from dataset.recovery.recover import recover as recover_session
    from dataset.session.reader import Session

    with progress_bars(quiet=quiet) as on_progress:
        found = recover_session(file, on_progress=on_progress)
    if as_json:
        typer.echo(json.dumps(None if found is None else asdict(found)))
    elif found is None:
        with Session(file) as session:
            typer.echo(
                f"nothing to recover: {file} was closed, and all {len(session.frames)} frames "
                "decode"
            )
    else:
        bound = (
            "no sync bound"
            if found.sync_bound_ms is None
            else f"sync within {found.sync_bound_ms:.2f} ms"
        )
        typer.echo(
            f"recovered {found.path}: {found.frames} frames, {found.samples} samples, {bound}"
        )
        typer.echo(
            f"dropped {found.dropped_frames} frames and {found.dropped_samples} samples that were "
            "not whole"
        )
        typer.echo(f"kept what was found as {found.survivor}")
