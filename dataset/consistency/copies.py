"""The same content under two subjects: a person who would be trained on and tested on.

What proves it: recordings that were imported from the same files, by their SHA-256; stretches of
equal PPG or of equal pictures; and what the quality of a recording says, where it is of this very
recording and counts as a failure. A stretch that is excluded in one of the two proves nothing.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path

from acquire import data_folder
from acquire.errors import AcqError, Fix, SplitError
from dataset.common.progress import OnProgress
from dataset.duplicates.find import PPG, Duplicate, find_equal_stretches, read_compared_streams
from dataset.public.write_recording import SOURCE
from dataset.quality.result import read_quality
from dataset.selection.exclusions import Exclusions
from dataset.selection.exclusions_file import read_exclusions
from dataset.selection.identities import SessionIdentity
from dataset.session.reader import Session


@dataclass(frozen=True)
class _Imported:
    """What an imported recording was made of: files, and the session behind a folder of acq."""

    session: str
    subject: str
    files: dict[str, str]        # SHA-256: name


def find_copies_across_subjects(
    data: Path, sessions: Sequence[SessionIdentity], *, on_progress: OnProgress | None = None
) -> list[SplitError]:
    """Find sessions of different subjects with the same content: an error for each group.

    Parameters
    ----------
    sessions : those that are to be used together, sorted

    Raises
    ------
    SessionError, CurationError : a session, its quality or the exclusions cannot be read
    """
    subject_of = {session.session: session.subject for session in sessions}
    found: dict[tuple[str, str], str] = {}
    for first, second, how in (
        *_same_files(
            (data / session.file for session in sessions if session.imported_from),
            recorded=[
                _Imported(one.session, one.subject, {one.hash: f"session {one.session}"})
                for one in sessions
            ],
        ),
        *_equal_stretches(data, sessions, on_progress),
        *_graded_as_copies(data, sessions),
    ):
        pair = (min(first, second), max(first, second))
        if subject_of.get(first) != subject_of.get(second) and set(pair) <= set(subject_of):
            found.setdefault(pair, how)
    return _errors(found, subject_of)


def find_imported_copies(data: Path) -> list[SplitError]:
    """Find sessions of different subjects that were imported from the same files, of all of them.

    Returns
    -------
    a warning for each group; one that cannot be read is passed over
    """
    subject_of: dict[str, str] = {}
    pairs = list(_same_files(data_folder.session_files(data), subject_of))
    found = {
        (first, second): how for first, second, how in pairs
        if subject_of[first] != subject_of[second]
    }
    return [
        SplitError(
            f"recorded of one person and under several subjects, which no split takes: {words}",
            fix=fix, of=of,
        )
        for words, fix, of in _describe_groups(found, subject_of)
    ]


def _errors(
    found: dict[tuple[str, str], str], subject_of: dict[str, str]
) -> list[SplitError]:
    """Return an error for each group of sessions that pairs hold together, not for each pair."""
    expected = "what was recorded of a person under one subject"
    return [
        SplitError(expected=expected, found=words, fix=fix, of=of)
        if of
        # a whole sentence is not cut, however many it names
        else SplitError(f"expected {expected}, found {words}", fix=fix)
        for words, fix, of in _describe_groups(found, subject_of)
    ]


def _describe_groups(
    found: dict[tuple[str, str], str], subject_of: dict[str, str]
) -> Iterator[tuple[str, Fix | str, str]]:
    """Yield each group of sessions that pairs hold together: in words, what mends it, of what."""
    groups: list[set[str]] = []
    for pair in found:
        touched = [group for group in groups if group & set(pair)]
        groups = [group for group in groups if group not in touched]
        groups.append(set(pair).union(*touched))
    for group in sorted(map(sorted, groups)):
        hows = {pair: how for pair, how in sorted(found.items()) if set(pair) <= set(group)}
        pair, how = next(iter(hows.items()))
        named = [
            f"{session} of {subject_of[session]}" for session in (pair if len(hows) == 1 else group)
        ]
        if len(hows) == 1:
            yield f"{' and '.join(named)} with {how}", Fix.EXCLUDE_COPY, pair[1]
        else:
            words = f"{len(group)} sessions {_describe_sharing(hows)}: {', '.join(named)}"
            yield words, "exclude all but one of them", ""


def _describe_sharing(hows: dict[tuple[str, str], str]) -> str:
    """Return what the pairs of a group share; where they do not share the same, the first pair."""
    (first, second), how = next(iter(hows.items()))
    if len(set(hows.values())) == 1:
        return f"with {how}"
    return f"that hold what others of them hold ({first} and {second}: {how})"


def _same_files(
    paths: Iterator[Path] | Sequence[Path], subject_of: dict[str, str] | None = None, *,
    recorded: Sequence[_Imported] = (),
) -> Iterator[tuple[str, str, str]]:
    """Yield the pairs that share a source file; note whose each session is in `subject_of`.

    Parameters
    ----------
    recorded : the sessions themselves, of which an imported one may have been made
    """
    imported = [one for path in paths if (one := _read_imported(path)) is not None]
    if subject_of is not None:
        subject_of |= {one.session: one.subject for one in imported}
    owners: dict[str, list[_Imported]] = {}
    for one in (*imported, *recorded):
        for digest in one.files:
            owners.setdefault(digest, []).append(one)
    shared: dict[tuple[str, str], list[str]] = {}
    for digest, several in owners.items():
        for first, second in combinations(several, 2):
            shared.setdefault((first.session, second.session), []).append(first.files[digest])
    for (first, second), names in shared.items():
        yield first, second, f"the same {' and '.join(sorted(names))}"


def _read_imported(path: Path) -> _Imported | None:
    try:
        with Session(path) as session:
            texts = [event.text for event in session.events if event.kind == SOURCE]
            session_id, subject = session.session_id, session.subject
    except (AcqError, OSError):
        return None
    named = [text.rpartition(" sha256 ") for text in texts]
    return _Imported(session_id, subject, {digest: name for name, _, digest in named if digest})


def _equal_stretches(
    data: Path, sessions: Sequence[SessionIdentity], on_progress: OnProgress | None
) -> Iterator[tuple[str, str, str]]:
    if len({session.subject for session in sessions}) < 2:
        return
    tell = on_progress or (lambda stage, done, total: None)
    streams, exclusions = [], read_exclusions(data)
    for done, session in enumerate(sessions):
        tell("comparing subjects", done, len(sessions))       # one of hours takes long to read
        streams.append(read_compared_streams(data / session.file))
    copies = find_equal_stretches(streams)
    tell("comparing subjects", len(sessions), len(sessions))
    for copy in copies:
        if not _is_excluded(copy, exclusions):
            what = "PPG" if copy.stream == PPG else "pictures"
            how = f"equal {what} from {copy.first.from_s:.1f} to {copy.first.to_s:.1f} s"
            yield copy.first.session, copy.second.session, how


def _is_excluded(copy: Duplicate, exclusions: Exclusions) -> bool:
    return any(
        from_s <= stretch.from_s + 0.1 and stretch.to_s - 0.1 <= to_s
        for stretch in (copy.first, copy.second)
        for from_s, to_s in exclusions.spans_s(stretch.session)
    )


def _graded_as_copies(
    data: Path, sessions: Sequence[SessionIdentity]
) -> Iterator[tuple[str, str, str]]:
    for session in sessions:
        quality = read_quality(data / session.file)
        if quality is None or quality.session_hash != session.hash:
            continue
        for flag in quality.flags:
            if flag.kind == "duplicate" and flag.severity == "failure" and flag.other:
                yield session.session, flag.other, f"a match by their grades ({flag.text})"
