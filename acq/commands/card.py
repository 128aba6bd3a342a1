"""The verb `acq card`."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from acq.advice import advise
from acq.extras import check_hrv_installed
from acq.options import ExistingData, Force, Json, Reasons
from acq.terminal.printing import echo, print_json, warn
from acquire.errors import CurationError
from dataset.common.wording import counted

if TYPE_CHECKING:
    from dataset.card.description import AboutDataset
    from dataset.card.write import Card


Hrv = Annotated[
    bool,
    typer.Option(
        "--hrv", callback=check_hrv_installed,
        help="Also heart rate variability and breathing, of the group only.",
    ),
]


def card(
    name: Annotated[
        str | None, typer.Option("--name", metavar="TEXT", help="Name of the data set.")
    ] = None,
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
    hrv: Hrv = False,
    data: ExistingData = Path("data"),
    force: Force = False,
    as_json: Json = False,
) -> None:
    """Write the dataset card of DATA/ubfc: card.md for people, croissant.json for programs.

    What the card there says of the data set stays, but for the options given.
    """
    from dataset.card.description import known_limits
    from dataset.card.write import write_card
    from dataset.consistency.unsplit import find_unsplit

    given = {"name": name, "licence": licence, "creators": creator, "url": url, "cite": cite,
             "published": published}
    about = _as_before_but(data, given, reasons=reasons)
    made = write_card(data, about, variability=hrv, force=force)
    limitations = known_limits(made.facts)
    for doubt in find_unsplit(data):
        warn(advise(doubt, "card"))
    if as_json:
        print_json({
            "card": str(made.markdown), "croissant": str(made.croissant),
            "data_hash": made.facts.manifest.data_hash, "simulated": made.facts.simulated,
            "limits": limitations,
        })
        return
    _tell(made)
    if not about.licence:
        echo(
            "no licence is chosen: --licence says what others may do, such as "
            "https://creativecommons.org/licenses/by/4.0/"
        )
    for limit in limitations:
        echo(f"- {limit}")


def _tell(made: "Card") -> None:
    """Print what was written, and what of the group's variability is not in it."""
    from dataset.variability.group import UNTOLD

    where = f"{made.markdown} and {made.croissant.name}"
    entries, subjects = (
        counted(len(made.facts.entries), "recording"), counted(len(made.facts.subjects), "subject"),
    )
    echo(f"{'wrote' if made.is_new else 'already in'} {where}: {entries} of {subjects}")
    for line in made.facts.variability:
        if UNTOLD in line:
            echo(f"heart rate variability of the group: {line}")


def _as_before_but(
    data: Path, given: "dict[str, str | list[str] | None]", *, reasons: bool
) -> "AboutDataset":
    """Return what the former card says of the data set, with what was given in its place.

    An empty text takes away what the former card says.
    """
    from dataclasses import fields

    from dataset.card.description import AboutDataset
    from dataset.card.former import read_former

    try:
        former = read_former(data)
    except CurationError as error:
        warn(f"{error.facts}; nothing that it says of the data set is kept")
        former = AboutDataset()
    about = {field.name: getattr(former, field.name) for field in fields(AboutDataset)}
    usual = {field.name: field.default for field in fields(AboutDataset)}
    for name, value in given.items():
        if value is not None:
            text = tuple(filter(None, value)) if isinstance(value, list) else value
            about[name] = text or usual[name]
    return AboutDataset(**{**about, "reasons": reasons})
