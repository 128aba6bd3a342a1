"""What a curator took out: whole sessions, or parts of them, each with a reason, and reversibly.

`data/exclusions.json` holds what was decided and touches no recording. Everyone downstream asks
here: a session that is out is not in a split, a part that is out is in no curated folder, and
training refuses folders that were made before the decision.
"""

import json
import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from datetime import datetime, timezone
from pathlib import Path

from acquire import data_folder
from acquire.atomic import write_text
from acquire.errors import CurationError, SessionError
from dataset.common.spans import join_spans
from dataset.session.reader import Session

SCHEMA = "acq-exclusions"
SCHEMA_VERSION = 1


@dataclass(frozen=True)
class Exclusion:
    """One decision."""

    session: str               # session id
    # seconds after the session's start, as `acq qc` and `acq info` give them; None: from its
    # beginning
    from_s: float | None
    to_s: float | None         # None: to its end
    reason: str
    decided: str               # ISO 8601, UTC

    @property
    def whole(self) -> bool:
        """True where it takes out the whole session."""
        return self.from_s is None and self.to_s is None

    @property
    def span(self) -> str:
        """What it takes out, in words."""
        return "the whole session" if self.whole else _span(self.from_s, self.to_s)


@dataclass(frozen=True)
class Exclusions:
    """All of them, sorted by session and time."""

    listed: tuple[Exclusion, ...] = ()

    def of(self, session: str) -> tuple[Exclusion, ...]:
        """Give what is decided on one session."""
        return tuple(one for one in self.listed if one.session == session)

    def is_out(self, session: str) -> bool:
        """Say whether the whole session is out."""
        return any(one.whole for one in self.of(session))

    def spans_s(self, session: str) -> list[tuple[float, float]]:
        """Give the parts that are out, in seconds after the session's start, in order and apart;
        infinite at an open end.
        """
        return join_spans(
            (
                -float("inf") if one.from_s is None else one.from_s,
                float("inf") if one.to_s is None else one.to_s,
            )
            for one in self.of(session)
        )

    def with_one(self, new: Exclusion) -> "Exclusions":
        """Add a decision; one on the very same span is replaced."""
        kept = [
            one
            for one in self.listed
            if (one.session, one.from_s, one.to_s) != (new.session, new.from_s, new.to_s)
        ]
        return Exclusions(_sorted([*kept, new]))

    def without(
        self, session: str, part: tuple[float | None, float | None] | None = None
    ) -> tuple["Exclusions", tuple[Exclusion, ...]]:
        """Take back every decision on a session, or the one on this very part; give what is left
        and what was taken back.

        Raises
        ------
        CurationError : there is none
        """
        listed = self.of(session)
        undone = tuple(one for one in listed if part is None or (one.from_s, one.to_s) == part)
        if not undone:
            there = (
                f"these parts: {', '.join(one.span for one in listed)}"
                if listed
                else "nothing of it"
            )
            asked = session if part is None else f"{_span(*part)} of {session}"
            raise CurationError(
                f"expected {asked} to be taken out, found out {there}; acq exclude lists what is "
                "out"
            )
        return Exclusions(tuple(one for one in self.listed if one not in undone)), undone


def read_exclusions(data: Path) -> Exclusions:
    """Read what is taken out; nothing where there is no such file.

    Raises
    ------
    CurationError : the file cannot be read, or is none
    """
    path = data_folder.exclusions_file(data)
    again = f"in {path}; correct it, or move it away and exclude again"
    try:
        body = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return Exclusions()
    except (OSError, ValueError) as error:
        raise CurationError(f"expected exclusions as JSON, got: {error}, {again}") from error
    if (
        not isinstance(body, dict)
        or body.get("schema") != SCHEMA
        or body.get("schema_version") != SCHEMA_VERSION
    ):
        raise CurationError(
            f"expected schema {SCHEMA} of version {SCHEMA_VERSION}, found another {again}"
        )
    try:
        listed = [Exclusion(**one) for one in body["exclusions"]]
    except (KeyError, TypeError) as error:
        raise CurationError(f"expected a list of exclusions, got: {error}, {again}") from error
    for one in listed:
        _check(one, again)
    return Exclusions(_sorted(listed))


def write_exclusions(data: Path, exclusions: Exclusions) -> Path:
    """Write what is taken out, in one step; give the file's path."""
    path = data_folder.exclusions_file(data)
    body = {
        "schema": SCHEMA, "schema_version": SCHEMA_VERSION,
        "exclusions": [asdict(one) for one in exclusions.listed],
    }
    write_text(path, json.dumps(body, indent=2, allow_nan=False) + "\n")
    return path


def find_session(data: Path, text: str) -> Path:
    """Find a recording by its session id, which is its file's name, or by its path; it need not be
    readable.

    Raises
    ------
    CurationError : there is no such recording under `data`, or two of that name
    """
    files = data_folder.session_files(data)
    if "/" in text or text.endswith(data_folder.SESSION_SUFFIX):
        found = [path for path in files if path.resolve() == Path(text).resolve()]
    else:
        found = [path for path in files if path.stem == text]
    if len(found) != 1:
        there = f"{len(found)} files" if found else "none"
        raise CurationError(
            f"expected a recording {text!r} in {data_folder.sessions_dir(data)}, found {there}; "
            "acq ls lists them"
        )
    return found[0]


def decide(path: Path, *, from_s: float | None, to_s: float | None, reason: str) -> Exclusion:
    """Decide now to take a recording out, or a part of it [s after its start]; only for a part is
    it opened.

    Raises
    ------
    CurationError : no reason, or a part that is none or not within the recording
    SessionError : the part of a recording that cannot be read
    """
    now = datetime.now(timezone.utc).isoformat(timespec="seconds")
    made = Exclusion(path.stem, from_s, to_s, " ".join(reason.split()), now)
    _check(made, "as given; say it again")
    if made.whole:
        return made
    try:
        with Session(path) as session:
            made = replace(made, session=session.session_id)
            last_ns = max(
                (
                    int(times[-1])
                    for times in (session.frame_time_ns, session.ppg_time_ns)
                    if len(times)
                ),
                default=0,
            )
            end_s = (last_ns - session.started_monotonic_ns) / 1e9
    except SessionError as error:
        raise SessionError(
            f"{error}; without --from and --to it is taken out whole, unread"
        ) from error
    if (from_s or 0.0) >= end_s or (to_s or 0.0) > end_s + _ROUNDED_S:
        raise CurationError(
            f"expected a part of {made.session}, which ends at {clock(max(end_s, 0.0))}, found "
            f"{made.span}; "
            "without --to it lasts to the end"
        )
    return made


_ROUNDED_S = 1.0         # an end may be given as people read it, in whole seconds


def clock(time_s: float) -> str:
    """Write seconds as `1:20`, `1:02:03.5`: as `acq exclude` reads them."""
    ms = math.floor(time_s * 1000 + 1e-6)
    hours, minutes = ms // 3_600_000, ms // 60_000 % 60
    text = f"{ms % 60_000 / 1000:06.3f}".rstrip("0").rstrip(".")
    return f"{hours}:{minutes:02}:{text}" if hours else f"{minutes}:{text}"


def _span(from_s: float | None, to_s: float | None) -> str:
    return f"{'its start' if from_s is None else clock(from_s)} to {'its end' if to_s is None else clock(to_s)}"


def _check(one: Exclusion, again: str) -> None:
    ends = (one.from_s, one.to_s)
    if not isinstance(one.session, str) or not data_folder.is_session_id(one.session):
        raise CurationError(f"expected a session id, found {one.session!r} {again}")
    if not isinstance(one.reason, str) or not one.reason.strip():
        raise CurationError(f"expected a reason for {one.session}, found none {again}")
    if not all(
        end is None
        or (isinstance(end, int | float) and not isinstance(end, bool) and 0 <= end < 1e9)
        for end in ends
    ):
        raise CurationError(
            f"expected seconds from 0 on, found {one.from_s} to {one.to_s} of {one.session} {again}"
        )
    if one.from_s is not None and one.to_s is not None and one.from_s >= one.to_s:
        raise CurationError(f"expected a part that ends after it begins, found {one.span} {again}")


def _sorted(listed: Sequence[Exclusion]) -> tuple[Exclusion, ...]:
    return tuple(
        sorted(listed, key=lambda one: (one.session, one.from_s or 0.0, one.to_s or float("inf")))
    )
