"""The dataset card: what was recorded, of whom, how, and what was done to it, as Markdown for
people and Croissant for programs.

Both lie beside the manifest, `data/ubfc/card.md` and `data/ubfc/croissant.json`. One public reader
of this layout takes any `.txt` in the tree for a signal, and every one takes `subject*` for a
subject: these names are neither.
"""

import json
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from acquire import data_folder
from acquire.atomic import write_text
from acquire.errors import CurationError

from .croissant import croissant
from .facts import Facts, gather
from .markdown import card_markdown
from .wording import About


@dataclass(frozen=True)
class Card:
    """What was written."""

    markdown: Path
    croissant: Path
    facts: Facts
    is_new: bool          # False: the very same card was there


def write_card(data: Path, about: About, *, force: bool = False) -> Card:
    """Write both cards of `data/ubfc`; the same data and words give the same bytes.

    Raises
    ------
    CurationError : no curated folders, or not those of their manifest; another card is there and
        `force` is not set; a date that is none
    """
    _check_date(about.published)
    facts = gather(data)
    markdown = card_markdown(facts, about)
    described = (
        json.dumps(
            croissant(facts, about, markdown=markdown), indent=2, ensure_ascii=False,
            allow_nan=False,
        )
        + "\n"
    )
    files = data_folder.card_file(data), data_folder.croissant_file(data)
    texts = dict(zip(files, (markdown, described), strict=True))
    is_new = False
    for path, text in texts.items():
        if path.exists() and path.read_text(encoding="utf-8", errors="replace") == text:
            continue
        if path.exists() and not force:
            raise CurationError(
                f"expected no card or the same one, found another in {path}; say --force to "
                "replace it"
            )
        is_new = True
    if is_new:
        for path, text in texts.items():
            write_text(path, text)
    return Card(*files, facts, is_new)


def _check_date(text: str | None) -> None:
    try:
        if text is not None and date.fromisoformat(text).isoformat() != text:
            raise ValueError
    except ValueError as error:
        raise CurationError(
            f"expected a date such as 2026-11-25, found {text!r} at --published; correct it"
        ) from error
