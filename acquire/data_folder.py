"""Where everything lies in a data folder, and which names may become paths in it."""

import re
from pathlib import Path

SUBJECT = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,31}")
SESSION = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,63}")
SESSION_SUFFIX = ".h5"
CARD = "card.md"


def is_subject_id(text: str) -> bool:
    """Say whether `text` may name a subject: a pseudonym that is safe as a folder name."""
    return SUBJECT.fullmatch(text) is not None


def is_session_id(text: str) -> bool:
    """Say whether `text` may name a session: safe as a file name."""
    return SESSION.fullmatch(text) is not None


def sessions_dir(data: Path) -> Path:
    """Give the folder that holds one folder of recordings per subject."""
    return data / "sessions"


def session_files(data: Path) -> list[Path]:
    """List every recording under `data`, sorted by subject folder and name; one that is still
    growing too.
    """
    return sorted(sessions_dir(data).glob(f"*/*{SESSION_SUFFIX}"))


def subject_file(data: Path, subject: str) -> Path:
    """Give the path of what is noted of a subject, beside the recordings."""
    return sessions_dir(data) / subject / "subject.json"


def quality_file(session_file: Path) -> Path:
    """Give the path of what `acq qc` says of a session, beside it."""
    return session_file.with_suffix(".qc.json")


def quality_dir(data: Path) -> Path:
    """Give the folder of the pages that show the sessions' quality."""
    return data / "qc"


def exclusions_file(data: Path) -> Path:
    """Give the path of what a curator took out."""
    return data / "exclusions.json"


def split_file(data: Path) -> Path:
    """Give the path of the subject-disjoint split."""
    return data / "split.json"


def rig_file(data: Path) -> Path:
    """Give the path of the rig's calibration."""
    return data / "rig.json"


def ubfc_dir(data: Path) -> Path:
    """Give the root of the curated folders in the UBFC-rPPG layout."""
    return data / "ubfc"


def card_file(data: Path) -> Path:
    """Give the path of the dataset card for people."""
    return ubfc_dir(data) / CARD


def croissant_file(data: Path) -> Path:
    """Give the path of the dataset card for programs, in the Croissant format."""
    return ubfc_dir(data) / "croissant.json"


def withdrawals_file(data: Path) -> Path:
    """Give the path of the record of withdrawals; it names nobody."""
    return data / "withdrawals.json"


def pure_dir(data: Path) -> Path:
    """Give the root of the curated folders in the PURE layout."""
    return data / "pure"


def frames_cache(data: Path) -> Path:
    """Give the folder in which averaged frames are kept; deleting it is always safe."""
    return data / "cache" / "frames"


def runs_dir(data: Path) -> Path:
    """Give the folder of training runs."""
    return data / "runs"
