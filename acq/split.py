"""The verb `acq split`."""

import json
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from acq.options import Data, Force, Json, Quiet, progress_bars


def split(
    holdout: Annotated[
        list[str] | None, typer.Option("--holdout", metavar="SUBJECT", help="Subject kept for test; may be given again.")
    ] = None,
    folds: Annotated[
        int | None, typer.Option("--folds", metavar="K", help="Instead: K folds, each subject tested once.")
    ] = None,
    mix_simulated: Annotated[bool, typer.Option("--mix-simulated", help="Allow real and simulated sessions together.")] = False,
    data: Data = Path("data"),
    force: Force = False,
    quiet: Quiet = False,
    as_json: Json = False,
) -> None:
    """Write a subject-disjoint split of all sessions, DATA/split.json."""
    from acquire.layout import split_file
    from dataset.split import identify_sessions, split_by_subject, write_split

    if bool(holdout) == (folds is not None):
        raise typer.BadParameter("say --holdout SUBJECT (again for more) or --folds K")
    with progress_bars(quiet=quiet) as on_progress:
        sessions = identify_sessions(data, on_progress=on_progress)
    made = split_by_subject(sessions, holdout=holdout or (), folds=folds, mix_simulated=mix_simulated)
    path = split_file(data)
    is_new = write_split(made, path, force=force)
    if as_json:
        typer.echo(json.dumps({"path": str(path), "hash": made.hash, **asdict(made)}, indent=2))
        return
    for number, fold in enumerate(made.folds, start=1):
        name = f"fold {number}: " if len(made.folds) > 1 else ""
        typer.echo(f"{name}train {', '.join(fold.train)}; test {', '.join(fold.test)}")
    cut_short = [s.session for s in made.sessions if not s.complete]
    if cut_short:
        typer.echo(f"cut short, but used: {', '.join(cut_short)}")
    typer.echo(f"{'wrote' if is_new else 'already in'} {path}: {len(made.sessions)} sessions, hash {made.hash[:12]}")
