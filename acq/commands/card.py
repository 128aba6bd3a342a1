"""The verb `acq card`."""

from pathlib import Path
from typing import Annotated

import typer

from acq.advice import advise
from acq.options import ExistingData, Force, Json, Reasons
from acq.terminal.printing import echo, print_json, warn
from dataset.common.wording import counted


def card(
    name: Annotated[
        str, typer.Option("--name", help="Name of the data set.")
    ] = "Face video and finger PPG",
    licence: Annotated[
        str | None, typer.Option("--licence", metavar="TEXT", help="URL of a licence, or words.")
    ] = None,
    creator: Annotated[
        list[str] | None,
        typer.Option("--creator", metavar="NAME", help="Who made it; again for more."),
    ] = None,
    url: Annotated[str | None, typer.Option("--url", help="Where it can be had.")] = None,
    cite: Annotated[
        str | None, typer.Option("--cite", metavar="TEXT", help="How to cite it.")
    ] = None,
    published: Annotated[
        str | None, typer.Option("--published", metavar="DATE", help="When it was published.")
    ] = None,
    reasons: Reasons = False,
    data: ExistingData = Path("data"),
    force: Force = False,
    as_json: Json = False,
) -> None:
    """Write the dataset card of DATA/ubfc: card.md for people, croissant.json for programs."""
    from dataset.card.description import AboutDataset, known_limits
    from dataset.card.write import write_card
    from dataset.consistency.of_today import find_unsplit

    made = write_card(
        data,
        AboutDataset(name, licence, tuple(creator or ()), url, cite, published, reasons),
        force=force,
    )
    limitations = known_limits(made.facts)
    for doubt in find_unsplit(data):
        warn(advise(doubt, "card"))
    if as_json:
        print_json(
                {
                    "card": str(made.markdown), "croissant": str(made.croissant),
                    "data_hash": made.facts.manifest.data_hash, "simulated": made.facts.simulated,
                    "limits": limitations,
                })
        return
    where = f"{made.markdown} and {made.croissant.name}"
    entries, subjects = (
        counted(len(made.facts.entries), "recording"), counted(len(made.facts.subjects), "subject"),
    )
    echo(f"{'wrote' if made.is_new else 'already in'} {where}: {entries} of {subjects}")
    if licence is None:
        echo(
            "no licence is chosen: --licence says what others may do, such as "
            "https://creativecommons.org/licenses/by/4.0/"
        )
    for limit in limitations:
        echo(f"- {limit}")
