"""The verb `acq import`."""

import json
from dataclasses import asdict
from enum import Enum
from pathlib import Path
from typing import Annotated

import typer

from acq.options import Data, Force, Jobs, Json, Scheduler
from dataset.common.wording import counted


class PublicSet(str, Enum):
    """Which public data set."""

    UBFC1 = "ubfc1"
    UBFC2 = "ubfc2"
    PURE = "pure"


def import_(
    root: Annotated[
        Path, typer.Argument(metavar="ROOT", help="Folder that holds the set's folders.")
    ],
    which: Annotated[
        PublicSet | None,
        typer.Option(
            "--set", help="UBFC-rPPG DATASET_1, DATASET_2 or PURE; found out where not given."
        ),
    ] = None,
    prefix: Annotated[
        str | None,
        typer.Option(
            "--subject-prefix", metavar="TEXT",
            help="Before a subject's number, instead of the set's name.",
        ),
    ] = None,
    data: Data = Path("data"),
    jobs: Jobs = 1,
    scheduler: Scheduler = None,
    force: Force = False,
    as_json: Json = False,
) -> None:
    """Import a public data set, UBFC-rPPG or PURE, as sessions; name every defect and every folder
    left out.
    """
    from dataset.common.workers import Workers
    from dataset.public.import_set import import_set

    done, failed = [], 0
    found = import_set(
        root, data, which=which and which.value, prefix=prefix, force=force,
        workers=Workers(jobs=jobs, scheduler=scheduler),
    )
    for folder, outcome in found:
        one = outcome.value
        if one is None:
            failed += 1
            typer.secho(f"acq: {folder.name} not imported: {outcome.error}", fg="red", err=True)
            continue
        done.append(one)
        for defect in one.defects:
            typer.echo(f"{one.folder}: {defect}", err=True)
        if not as_json:
            lacks = one.lost_frames or one.lost_samples
            lost = (
                f", {one.lost_frames} frames and {one.lost_samples} samples lack" if lacks else ""
            )
            kept = " (was there)" if one.kept else ""
            typer.echo(
                f"{one.folder} -> {one.session}{kept}: {one.frames} frames, {one.samples} "
                f"samples{lost}"
            )
    done.sort(key=lambda one: one.session)
    if as_json:
        typer.echo(
            json.dumps({"imported": [asdict(one) for one in done], "failed": failed}, indent=2)
        )
    else:
        new = sum(not one.kept for one in done)
        out = f", {counted(failed, 'folder')} left out" if failed else ""
        there = f", {len(done) - new} there already" if len(done) > new else ""
        typer.echo(f"imported {counted(new, 'recording')}{there}{out}")
    if failed:
        raise typer.Exit(1)
