"""Grade many sessions: measure those that are new, compare all, write the quality of each."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from importlib.metadata import version
from pathlib import Path

from acquire import data_folder
from acquire.errors import AcqError, CurationError, Fix
from acquire.writing import QUALITY, holding
from dataset.common.progress import OnProgress
from dataset.common.workers import Places, Workers, reading_bytes, reading_s, work_through
from dataset.duplicates.find import Duplicate, find_duplicates, read_compared_streams
from dataset.selection.exclusions_file import read_exclusions
from dataset.session.find import find_copies, find_session
from dataset.session.reader import Session, most_frames

from .across_sessions import flag_across_sessions
from .curves import read_curves, write_curves
from .limits import Limits, read_limits
from .measure import measure_session
from .result import SessionQuality, read_quality, write_quality


@dataclass(frozen=True)
class Graded:
    """The sessions that were graded."""

    asked: dict[Path, SessionQuality]      # the sessions that were asked for
    all: dict[Path, SessionQuality]        # and those beside them that were measured before
    failed: dict[Path, AcqError]           # by file: why
    measured: int                          # how many were measured now
    first_of_copies: set[str]              # sessions of which another one is the copy
    outdated: tuple[Path, ...] = ()        # not asked for, and graded before they changed


@dataclass
class _Measured:
    """The sessions that could be measured, and those that could not."""

    qualities: dict[Path, SessionQuality] = field(default_factory=dict)
    failed: dict[Path, AcqError] = field(default_factory=dict)
    new: int = 0                           # how many were measured now


def _folders(data: Path) -> tuple[Path, ...]:
    """Return the folders that grades are written to: those of the recordings."""
    return tuple(sorted({path.parent for path in data_folder.session_files(data)}))


@holding(QUALITY, _folders)
def grade_sessions(
    data: Path, named: Sequence[str] = (), *, limits: Limits | None = None, force: bool = False,
    workers: Workers | None = None, on_progress: OnProgress = lambda stage, done, total: None,
) -> Graded:
    """Grade sessions under `data`.

    Parameters
    ----------
    named : session ids or files under `data`; all of them where none is named
    limits : what sessions are graded by; the limits that come with acq where not given
    force : measure again what was measured already
    workers : who measures; this process where not given

    Raises
    ------
    CurationError : there is no session, or none of a name
    """
    files = data_folder.session_files(data)
    if not files:
        raise CurationError(
            expected="sessions", found="none", where=data_folder.sessions_dir(data), fix=Fix.RECORD
        )
    limits = limits or read_limits()
    copies = find_copies(files)                  # not graded: an id stands for one recording
    asked = list(dict.fromkeys(find_session(data, name) for name in named)) or files
    measured = _measure_all(
        [path for path in asked if path not in copies], limits, force,
        (workers or Workers()).seeing(data), on_progress,
    )
    measured.failed |= {path: error for path, error in copies.items() if path in asked}
    earlier, outdated = _measured_earlier(set(files) - set(asked) - set(copies))
    qualities = dict(sorted({**earlier, **measured.qualities}.items()))
    excluded = _excluded(data, qualities)
    duplicates = _find_duplicates(qualities, measured, limits, on_progress)
    flagged = flag_across_sessions(qualities, duplicates, limits, excluded=excluded)
    for path, quality in flagged.items():
        if quality != qualities[path]:
            write_quality(path, quality)
    return Graded(
        {path: flagged[path] for path in sorted(measured.qualities)}, flagged,
        dict(sorted(measured.failed.items())), measured.new, _first_of_copies(duplicates, excluded),
        tuple(sorted(outdated)),
    )


def measure_unless_fresh(
    session_path: Path, *, limits: Limits, force: bool
) -> tuple[SessionQuality, bool]:
    """Return the quality of a session, and whether it had to be measured now.

    It is measured where its files are not of this recording, these limits and this version, or
    cannot be read, and is written at once: an interruption costs no more than what was under way.

    Raises
    ------
    SessionError : the session cannot be read
    """
    if not force and (quality := _read_fresh(session_path, limits)) is not None:
        return quality, False
    quality, curves = measure_session(session_path, limits)
    write_curves(session_path, quality.session_hash, curves)
    write_quality(session_path, quality)
    return quality, True


def _read_fresh(session_path: Path, limits: Limits) -> SessionQuality | None:
    """Read the quality of a session; None where it is stale, has no curves, or cannot be read."""
    try:
        quality = read_quality(session_path)
        if quality is None or read_curves(session_path, quality.session_hash) is None:
            return None
    except CurationError:
        return None
    if (quality.limits_hash, quality.acq_version) != (limits.hash, version("acq")):
        return None
    with Session(session_path) as session:
        return quality if session.content_hash() == quality.session_hash else None


def _measure_all(
    paths: Sequence[Path], limits: Limits, force: bool, workers: Workers, on_progress: OnProgress
) -> _Measured:
    """Measure those of the sessions that are new or changed."""
    measured = _Measured()
    work = partial(measure_unless_fresh, limits=limits, force=force)
    on_progress("measuring sessions", 0, len(paths))
    workers = workers.for_work(
        len(paths), reading_s(paths), process_bytes=reading_bytes(most_frames(paths))
    )
    # a worker of a cluster stands in a folder of its own
    files = [path.absolute() for path in paths]
    places = partial(_places, limits=limits, force=force)
    through = work_through(work, files, workers=workers, places=places)
    for done, (at, outcome) in enumerate(through, start=1):
        if outcome.value is None:
            measured.failed[paths[at]] = outcome.cause or AcqError(outcome.error)
        else:
            measured.qualities[paths[at]], is_new = outcome.value
            measured.new += is_new
        on_progress("measuring sessions", done, len(paths))
    return measured


def _places(session_path: Path, *, limits: Limits, force: bool) -> Places | None:
    """Return where a session is, and its quality goes; None where it is measured already."""
    if not force and _read_fresh(session_path, limits) is not None:
        return None
    return Places((session_path,), session_path.parent)


def _measured_earlier(
    paths: Collection[Path],
) -> tuple[dict[Path, SessionQuality], list[Path]]:
    """Read the qualities there are, and list the recordings that are others by now.

    These, and one whose quality cannot be read, are measured again when they are asked for.
    """
    qualities, outdated = {}, []
    for path in paths:
        try:
            quality = read_quality(path)
        except CurationError:
            continue
        if quality is not None and _is_outdated(path, quality):
            outdated.append(path)
        elif quality is not None:
            qualities[path] = quality
    return qualities, outdated


def _is_outdated(path: Path, quality: SessionQuality) -> bool:
    """Return whether a recording was written after its quality, and is another one now."""
    try:
        if path.stat().st_mtime_ns <= data_folder.quality_file(path).stat().st_mtime_ns:
            return False
        with Session(path) as session:
            return session.content_hash() != quality.session_hash
    except (AcqError, OSError):
        return False                  # told of where its streams are read


def _find_duplicates(
    qualities: dict[Path, SessionQuality], measured: _Measured, limits: Limits,
    on_progress: OnProgress,
) -> list[Duplicate]:
    """Find recordings that are there twice; one that was damaged meanwhile has failed."""
    streams = []
    for at, path in enumerate(list(qualities), start=1):
        try:
            streams.append(read_compared_streams(path))
        except (AcqError, OSError) as error:
            measured.failed[path] = error if isinstance(error, AcqError) else AcqError(str(error))
            del qualities[path]
            measured.qualities.pop(path, None)
        on_progress("reading sessions", at, len(qualities))
    return find_duplicates(streams, shortest_s=limits["duplicate"], on_progress=on_progress)


def _excluded(data: Path, qualities: Mapping[Path, SessionQuality]) -> set[str]:
    exclusions = read_exclusions(data)
    return {
        quality.session for path, quality in qualities.items()
        if exclusions.is_excluded(quality.session) or exclusions.is_excluded(path.stem)
    }


def _first_of_copies(duplicates: Sequence[Duplicate], excluded: Collection[str]) -> set[str]:
    """Return the sessions that others copy and that copy none, of those that are not excluded."""
    pairs = [(copy.first.session, copy.second.session) for copy in duplicates]
    pairs = [pair for pair in pairs if not set(pair) & set(excluded)]
    return {first for first, _ in pairs} - {second for _, second in pairs}
