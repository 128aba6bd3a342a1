"""Writing the dataset card, as Markdown for people and as Croissant for programs.

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
from acquire.errors import CurationError, Fix
from acquire.writing import UBFC, holding

from .croissant import croissant
from .description import AboutDataset
from .facts import Facts, gather_facts
from .listed import check_manifest_of_card
from .markdown import card_markdown


@dataclass(frozen=True)
class Card:
    """What was written."""

    markdown: Path
    croissant: Path
    facts: Facts
    is_new: bool          # False: the very same card was there


@holding(UBFC, lambda data: (data_folder.ubfc_dir(data),))
def write_card(
    data: Path, about: AboutDataset, *, variability: bool = False, force: bool = False
) -> Card:
    """Write both cards of `data/ubfc`; the same data and words give the same bytes.

    Parameters
    ----------
    variability : also the heart rate variability of the group (needs NeuroKit2)

    Raises
    ------
    CurationError : no curated folders, or not those of their manifest; another card is there and
        `force` is not set; a date of publication that is no date; in a copy without recordings,
        the card that came with it is of another manifest, or was changed
    """
    _check_date(about.published)
    facts = gather_facts(data, variability=variability)
    if not facts.recorded and data_folder.croissant_file(data).exists():
        check_manifest_of_card(data_folder.croissant_file(data), facts.manifest_sha256)
    markdown = card_markdown(facts, about)
    body = croissant(facts, about, markdown=markdown)
    files = data_folder.card_file(data), data_folder.croissant_file(data)
    texts = {
        files[0]: markdown,
        files[1]: json.dumps(body, indent=2, ensure_ascii=False, allow_nan=False) + "\n",
    }
    is_new = False
    for path, text in texts.items():
        if path.exists() and path.read_text(encoding="utf-8", errors="replace") == text:
            continue
        if path.exists() and not force:
            raise CurationError(
                expected="no card, or the same one", found="another", where=path, fix=Fix.REPLACE
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
            expected="a date of publication such as 2026-11-25", found=repr(text),
            fix="correct the date",
        ) from error
