"""Whether a session holds anything to learn from, told where it comes in and not days later."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from acquire.errors import CurationError
from dataset.layouts.avi import CODECS
from dataset.session.reader import Session

from .rows import SHORTEST_S, plan_rows
from .settings import NATIVE, PPG, Settings

_LOOKS = 9               # pictures that are held against the first


@dataclass(frozen=True)
class Learnable:
    """A session, and why nothing can be learnt from it."""

    session: str
    why_not: str         # "" where something can


def is_learnable(path: Path) -> Learnable:
    """Plan the rows of a session as a conversion does by default, and look at its pictures.

    Raises
    ------
    SessionError : it cannot be read
    """
    with Session(path) as session:
        return Learnable(session.session_id, _why_not(session))


def _why_not(session: Session) -> str:
    try:
        rows = plan_rows(session, Settings(CODECS[0], PPG[0], NATIVE, "keep"))
    except CurationError as error:
        return f"expected {error.expected}, found {error.found}"
    span_s = sum(float(part.time_ns[-1] - part.time_ns[0]) / 1e9 for part in rows.parts)
    if span_s < SHORTEST_S:
        return f"expected {SHORTEST_S:g} s of pictures with PPG, found {span_s:.2f} s"
    first = session.frames[0]
    places = np.linspace(0, len(session.frames) - 1, _LOOKS).astype(int).tolist()
    if all(np.array_equal(first, session.frames[at]) for at in places[1:]):
        return f"expected pictures that change, found {_LOOKS} that are the same to the last pixel"
    return ""
