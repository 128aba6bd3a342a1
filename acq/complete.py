"""What the shell completes: session ids, subjects and runs of the data folder that was named.

Only names of files are read, so that a press of the tabulator is answered at once. What holds a
slash or a dot is left to the shell, which completes paths.
"""

import os
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

import typer

METHODS = (
    "green", "ica", "pca", "chrom", "pos", "ica_poh", "pca_lewandowska", "chrom_skin", "pos_skin",
    "lgi", "pbv", "omit",
)


def sessions(ctx: typer.Context, incomplete: str) -> list[str]:
    """Return the ids of the sessions that begin so."""
    from acquire.data_folder import session_files

    with suppress(OSError):
        return _beginning(incomplete, (path.stem for path in session_files(_data(ctx))))
    return []


def subjects(ctx: typer.Context, incomplete: str) -> list[str]:
    """Return the subjects that begin so."""
    return _beginning(incomplete, (path.name for path in _data(ctx).glob("sessions/*/")))


def sensors(incomplete: str) -> list[str]:
    """Return the kinds of contact sensors that begin so."""
    from acquire.other_sensors.kinds import NAMES

    return _beginning(incomplete, NAMES)


def runs(ctx: typer.Context, incomplete: str) -> list[str]:
    """Return the ids of the runs that begin so; the newest first."""
    return _beginning(incomplete, (path.name for path in _data(ctx).glob("runs/*/")))[::-1]


def teachers(ctx: typer.Context, incomplete: str) -> list[str]:
    """Return `shipped` and the runs that begin so."""
    return [*_beginning(incomplete, ["shipped"]), *runs(ctx, incomplete)]


def all_runs(ctx: typer.Context, incomplete: str) -> list[str]:
    """Return the same, with those that were interrupted."""
    from dataset.runs import run_folders, run_name

    names = [run_name(folder) for folder in run_folders(_data(ctx))]
    return _beginning(incomplete, names)[::-1]


def methods(ctx: typer.Context, incomplete: str) -> list[str]:
    """Return the methods and runs that begin so."""
    return [*_beginning(incomplete, ("all", *METHODS)), *runs(ctx, incomplete)]


def _data(ctx: typer.Context) -> Path:
    return Path(ctx.params.get("data") or os.environ.get("ACQ_DATA") or "data")


def _beginning(incomplete: str, names: Iterable[str]) -> list[str]:
    return sorted({
        name for name in names if name.startswith(incomplete) and not name.startswith(".")
    })
