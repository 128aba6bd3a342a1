"""Grade many sessions: measure those that are new, compare all of them, write what was found beside
each.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from acquire import data_folder
from acquire.errors import AcqError, CurationError
from dataset.common.progress import OnProgress
from dataset.common.workers import Workers, work_through
from dataset.duplicates.find import compare, read_streams
from dataset.selection.exclusions import read_exclusions

from .across_sessions import compare_sessions
from .limits import Limits
from .measure import measure_unless_fresh
from .result import SessionQuality, read_quality, write_quality


@dataclass(frozen=True)
class Graded:
    """What came of it."""

    asked: dict[Path, SessionQuality]      # the sessions that were asked for
    all: dict[Path, SessionQuality]        # and those beside them that were measured before
    failed: dict[Path, str]                # by file: why
    measured: int                          # how many were measured now
    first_of_copies: set[str]              # sessions of which another one is the copy


def grade_sessions(
    data: Path,
    named: Sequence[str],
    *,
    limits: Limits,
    force: bool,
    workers: Workers,
    on_progress: OnProgress = lambda stage, done, total: None,
) -> Graded:
    """Grade sessions under `data`.

    Parameters
    ----------
    named : session ids or files under `data`; all of them where none is named
    force : measure again what was measured already

    Raises
    ------
    CurationError : there is no session, or none of a name
    """
    paths = data_folder.session_files(data)
    if not paths:
        raise CurationError(
            f"expected sessions, found none in {data_folder.sessions_dir(data)}; record one first"
        )
    chosen = _chosen(paths, named)
    failed: dict[Path, str] = {}
    qualities: dict[Path, SessionQuality] = {}
    measured = 0
    work = partial(measure_unless_fresh, limits=limits, force=force)
    for done, (at, outcome) in enumerate(work_through(work, chosen, workers=workers), start=1):
        if outcome.value is None:
            failed[chosen[at]] = outcome.error
        else:
            qualities[chosen[at]], was_fresh = outcome.value
            measured += not was_fresh
            if not was_fresh:  # kept now: an interruption costs no more than what was under way
                write_quality(chosen[at], qualities[chosen[at]])
        on_progress("measuring sessions", done, len(chosen))
    before: dict[Path, SessionQuality] = {}
    for path in set(paths) - set(chosen):
        try:
            if (quality := read_quality(path)) is not None:
                before[path] = quality
        except CurationError:                      # it is measured anew once it is asked for
            continue
    both = dict(sorted({**before, **qualities}.items()))
    streams = []
    for at, path in enumerate(list(both), start=1):
        try:
            streams.append(read_streams(path))
        except (AcqError, OSError) as error:       # measured once, and damaged since
            failed[path] = " ".join(str(error).split())
            del both[path]
            qualities.pop(path, None)
        on_progress("reading sessions", at, len(both))
    duplicates = compare(streams, shortest_s=limits["duplicate"], on_progress=on_progress)
    exclusions = read_exclusions(data)
    out = {quality.session for quality in both.values() if exclusions.is_out(quality.session)}
    compared = compare_sessions(both, duplicates, limits, out=out)
    for path, quality in compared.items():
        if quality != both[path]:
            write_quality(path, quality)
    duplicates = [one for one in duplicates if not {one.first.session, one.second.session} & out]
    seconds = {one.second.session for one in duplicates}
    return Graded(
        {path: compared[path] for path in sorted(qualities)}, compared,
        dict(sorted(failed.items())), measured, {one.first.session for one in duplicates} - seconds,
    )


def _chosen(paths: Sequence[Path], named: Sequence[str]) -> list[Path]:
    if not named:
        return list(paths)
    chosen = []
    for name in named:
        found = [
            path for path in paths if name == path.stem or Path(name).resolve() == path.resolve()
        ]
        if not found:
            raise CurationError(
                f"expected a session id or a file under {paths[0].parent.parent}, found {name}; "
                "acq qc alone takes all"
            )
        chosen += found
    return list(dict.fromkeys(chosen))
