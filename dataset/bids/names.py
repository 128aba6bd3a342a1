"""The names of BIDS: labels of letters and digits, and entities in their order."""

import re
from collections.abc import Iterable

from acquire.errors import CurationError

TASK = "session"        # a label is required, and what people did is theirs to say


def label(text: str) -> str:
    """Return what may stand in a name of BIDS: a text's letters and digits."""
    return re.sub(r"[^A-Za-z0-9]", "", text)


def session_label(session_id: str, subject: str) -> str:
    """Return the label of a session: its id without the subject in front."""
    return label(session_id.removeprefix(f"{subject}-"))


def check_labels(subjects: Iterable[str]) -> None:
    """Refuse subjects that BIDS would take for one, as `S-1` and `S1`.

    Raises
    ------
    CurationError : there are such
    """
    first: dict[str, str] = {}
    for subject in sorted(set(subjects)):
        other = first.setdefault(label(subject).lower(), subject)
        if other != subject:
            raise CurationError(
                expected="subjects that differ in a letter or digit", found=f"{other}, {subject}",
                fix="BIDS has no other signs in a label: leave one of them out",
            )


def stem(subject: str, session: str) -> str:
    """Return what the names of a session's files begin with.

    Parameters
    ----------
    subject, session : labels
    """
    return f"sub-{subject}_ses-{session}_task-{TASK}"
