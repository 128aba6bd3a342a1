"""The verb `acq include`."""

from pathlib import Path
from typing import Annotated

import typer

from acq.commands.exclude import described, say_what_to_make_anew

from .options import Data, FromTime, ToTime, parse_time


def include(
    session: Annotated[list[str], typer.Argument(metavar="SESSION...", help="Session ids or files.")],
    from_time: FromTime = None,
    to_time: ToTime = None,
    data: Data = Path("data"),
) -> None:
    """Take back what `acq exclude` took out: all of it, or the one part that --from and --to name."""
    from dataset.selection.exclusions import read_exclusions, write_exclusions

    from_s, to_s = parse_time(from_time, "--from"), parse_time(to_time, "--to")
    part = None if from_s is None and to_s is None else (from_s, to_s)
    excluded, undone = read_exclusions(data), []
    for text in session:
        excluded, found = excluded.without(Path(text).name.removesuffix(".h5"), part)      # the file may be gone
        undone += found
    path = write_exclusions(data, excluded)
    for one in undone:
        typer.echo(f"back in: {described(one)}")
    typer.echo(f"wrote {path}")
    say_what_to_make_anew(data, undone)
