"""Where a subject is in a data folder: its recordings, and everything that was made of them or
names them.

A file is linked to a subject in one of three ways: its place (`sessions/<subject>/`), a list that
says whose it is (manifest, split, metrics of a run), or its text, which names the pseudonym or a
session. Kept face frames are linked by the hash of their video; those of videos that no folder
holds any more may be anybody's and count as the subject's.
"""

import json
import os
import re
from collections.abc import Iterable
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from acquire import data_folder
from acquire.errors import CurationError, SessionError, SubjectError
from dataset.common.progress import OnProgress
from dataset.layouts.manifest import MANIFEST, SIDES, Manifest
from dataset.layouts.manifest_file import read_manifest
from dataset.layouts.pure_manifest import read_pure_entries
from dataset.runs import Run, read_runs
from dataset.selection.exclusions_file import read_exclusions
from dataset.session.hdf5 import is_being_written, open_to_read

UNDER_WAY = ".withdrawal.json"
# no texts
_BULKY = {data_folder.SESSION_SUFFIX, ".killed", ".avi", ".npy", ".npz", ".png", ".safetensors"}
# what a killed `write_text_atomically` leaves
_UNFINISHED = re.compile(r"\..+\.(?:json|md)-[a-z0-9_]{8}")
_CONVERTING = re.compile(r"\.(?:ubfc|pure)-[a-z-]+")  # where `acq convert` builds and swaps folders
_OF_SESSION = re.compile(r"[A-Za-z0-9].*\.(?:h5|h5\.killed|qc\.json|qc\.npz)")
_WAIT_S = 30.0


@dataclass(frozen=True)
class Trace:
    """One file or folder to be removed."""

    what: str
    path: Path
    bytes: int


@dataclass(frozen=True)
class Traces:
    """Everything of one subject."""

    subject: str
    sessions: frozenset[str]           # ids
    recordings: int                    # session files
    folders: tuple[Trace, ...]         # curated
    # kept frames, pages, cards, unfinished files: made of the recordings, and made again
    others: tuple[Trace, ...]
    own: tuple[Trace, ...]             # the recordings with what lies beside them
    lists: tuple[Path, ...]  # files that list it among others: manifests, split, exclusions
    runs: tuple[Run, ...]              # trained or tested on it
    data_hashes: frozenset[str]        # of curated data that held it
    named: tuple[Path, ...]            # other files that name it; nobody but their writer knows why
    unknown: tuple[str, ...]           # what could not be looked at, one line each

    @property
    def removable(self) -> tuple[Trace, ...]:
        """What a withdrawal removes, runs aside, in the order in which it does."""
        return self.folders + self.others + self.own

    def names(self, session: str) -> bool:
        """Say whether a session id, or the key of one of its parts, is the subject's."""
        return _is_of(session.partition("#")[0], self.subject, self.sessions)


def curated_roots(data: Path) -> list[Path]:
    """List the roots of curated folders that have a manifest."""
    return [root for root in (data_folder.ubfc_dir(data),) if (root / MANIFEST).exists()]


def find_traces(
    data: Path, subject: str, *, sessions: Iterable[str] = (), folders: Iterable[str] = (),
    data_hashes: Iterable[str] = (), on_progress: OnProgress | None = None,
) -> Traces:
    """Look for a subject everywhere under `data`.

    Parameters
    ----------
    sessions, folders, data_hashes : what an interrupted withdrawal knew of it, folders under `data`

    Raises
    ------
    SubjectError : its folder holds a recording of somebody else, a link, or one that is being
        written
    CurationError : a manifest or the exclusions cannot be read
    """
    home = data_folder.sessions_dir(data) / subject
    ids, own, unknown = set(sessions), [], []
    recordings = 0
    files = data_folder.session_files(data)
    for at, path in enumerate(files):
        is_its = _whose(path, subject, unknown) == subject
        if path.parent == home:
            recordings += 1
            ids.add(path.stem)
        elif is_its:
            recordings += 1
            ids.add(path.stem)
            beside = sorted(path.parent.glob(f"{path.stem}.*"))
            own += [Trace("recording in another's folder", one, size_of(one)) for one in beside]
        if on_progress:
            on_progress("looking at sessions", at + 1, len(files))
    if os.path.lexists(home):
        ids |= {
            path.name.partition(".")[0]
            for path in home.iterdir()
            if _OF_SESSION.fullmatch(path.name)
        }
        own.append(Trace("recordings", home, size_of(home)))
        unknown += [
            f"{path}: the same file has another name on this disk, which is not removed"
            for path in sorted(home.rglob("*"))
            if path.is_file() and path.lstat().st_nlink > 1
        ]

    manifests = {root: read_manifest(root / MANIFEST) for root in curated_roots(data)}
    ids |= {e.session for m in manifests.values() for e in m.entries if e.subject == subject}
    curated = sorted(
        {
            root / e.folder
            for root, m in manifests.items()
            for e in m.entries
            if e.subject == subject
        }
        | {data / name for name in folders if os.path.lexists(data / name)}
    )
    hashes = set(data_hashes) | {
        m.data_hash for m in manifests.values() if any(e.subject == subject for e in m.entries)
    }
    pattern = pattern_of(subject, ids)
    lists = [
        root / MANIFEST
        for root, m in manifests.items()
        if _is_listed(m, subject, ids)
        or any(pattern.search(part.reason) for e in m.entries for part in e.rows.excluded)
    ]
    pure = data_folder.pure_dir(data)
    exported = read_pure_entries(pure) if (pure / MANIFEST).exists() else ()
    unknown += [
        f"{root}: folders without a manifest; whose they are is not known"
        for root in (data_folder.ubfc_dir(data), pure)
        if not (root / MANIFEST).exists() and any((root / side).is_dir() for side in SIDES)
    ]
    if any(
        _is_of(one.session, subject, ids) or pattern.search(one.reason)
        for one in read_exclusions(data).listed
    ):
        lists.append(data_folder.exclusions_file(data))

    runs = read_runs(data)
    hashes |= {run.data_hash for run in runs if subject in run.train + run.test} - {""}
    its_runs = tuple(
        run for run in runs if subject in run.train + run.test or run.data_hashes & hashes
    )
    unknown += [problem for run in runs if run not in its_runs for problem in run.problems]

    found = bool(own or curated or lists or ids)
    others = _frames(data, manifests.values(), subject) if found else []
    cards = [
        path
        for path in (data_folder.card_file(data), data_folder.croissant_file(data))
        if path.exists()
    ]
    if found and any(_is_listed(m, subject, ids) for m in manifests.values()):
        others += [Trace("dataset card", path, size_of(path)) for path in cards]
    # made as a whole, it is made anew as a whole
    if is_exported := any(entry.subject == subject for entry in exported):
        others.append(Trace("PURE export", pure, size_of(pure)))
    partial = [
        path
        for path in sorted(data.glob(".*"))
        if path.is_dir() and _CONVERTING.fullmatch(path.name)
    ]
    others += [Trace("unfinished conversion", path, size_of(path)) for path in partial if found]
    named = []
    skip = {
        home, *([pure] if is_exported else []), *partial, data / UNDER_WAY,
        *(one.folder for one in its_runs),
    }
    for path in _files(data, skip=skip):
        if (
            path in lists
            or path in {one.path for one in others}
            or not _mentions(path, pattern, data)
        ):
            continue
        if path == data_folder.split_file(data):
            lists.append(path)
        elif what := _made_again(path, data):
            others.append(Trace(what, path, size_of(path)))
            if path.name.endswith(".qc.json"):
                unknown.append(
                    f"{path}: acq qc found that recording like one of {subject}: if a copy, "
                    "withdraw its subject, too"
                )
        else:
            named.append(path)
    traces = Traces(
        subject, frozenset(ids), recordings,
        tuple(Trace("curated folder", path, size_of(path)) for path in curated), tuple(others),
        tuple(own), tuple(lists), its_runs, frozenset(hashes), tuple(named), tuple(unknown),
    )
    _refuse_links(traces)
    return traces


def size_of(path: Path) -> int:
    """Give the bytes of a file, or of every file in a folder; a link counts nothing."""
    if path.is_symlink() or not path.exists():
        return 0
    return sum(
        one.lstat().st_size
        for one in (path.rglob("*") if path.is_dir() else [path])
        if one.is_file()
    )


def _whose(path: Path, subject: str, unknown: list[str]) -> str | None:
    """Say whose recording a file is; None where it cannot be told. In the subject's own folder it
    is refused where it is not.
    """
    at_home = path.parent.name == subject
    try:
        if at_home and is_being_written(path):
            raise SubjectError(
                f"expected no recording under way, found one written just now at {path}; end it "
                "first"
            )
        # not a Session: its columns are of no use here
        with closing(open_to_read(path, wait_s=_WAIT_S)) as file:
            whose = str(file.attrs["subject"])
    except (SessionError, OSError, KeyError, RuntimeError) as error:
        if not at_home:
            unknown.append(
                f"{path}: whose recording it is cannot be told: {' '.join(str(error).split())}"
            )
        return None
    if at_home and whose != subject:
        raise SubjectError(
            f"expected recordings of {subject}, found one of {whose} at {path}; move it to "
            f"{path.parent.parent / whose}"
        )
    return whose


def _is_of(session: str, subject: str, ids: Iterable[str]) -> bool:
    """Say whether a session is the subject's: it is known, or is called after it."""
    return (
        session in ids
        or re.fullmatch(rf"{re.escape(subject)}-\d{{8}}T\d{{6}}Z", session) is not None
    )


def _is_listed(manifest: Manifest, subject: str, ids: Iterable[str]) -> bool:
    return any(e.subject == subject for e in manifest.entries) or any(
        _is_of(key.partition("#")[0], subject, ids) for key in manifest.numbers
    )


def pattern_of(subject: str, ids: Iterable[str]) -> "re.Pattern[str]":
    """Match the pseudonym as a word, not as the beginning of another (`S03` in `S031` and `S03-b`),
    and every session id.
    """
    name = rf"{re.escape(subject)}(?![A-Za-z0-9_])(?!-(?!\d{{8}}T))"
    return re.compile(rf"(?<![A-Za-z0-9_-])(?:{'|'.join([*map(re.escape, sorted(ids)), name])})")


def _mentions(path: Path, pattern: "re.Pattern[str]", data: Path) -> bool:
    """Say whether a file's path under `data`, or its text, names the subject."""
    if pattern.search(path.relative_to(data).as_posix()):
        return True
    if path.suffix in _BULKY:
        return False
    try:
        with path.open(encoding="latin-1") as file:       # any bytes; names are ASCII
            return any(pattern.search(line) for line in file)
    except OSError:
        return False


def _files(data: Path, *, skip: set[Path]) -> list[Path]:
    """List the files that may name somebody: all but those in curated folders and in what goes
    anyway.
    """
    found = []
    for folder, folders, files in os.walk(data):
        here = Path(folder)
        # beneath it are curated folders
        is_side = here.name in SIDES and here.parent.parent == data
        folders[:] = [] if is_side else sorted(name for name in folders if here / name not in skip)
        found += [here / name for name in sorted(files)]
    return found


def _made_again(path: Path, data: Path) -> str:
    """Say what a file is that acq makes again when asked, "" where it is none."""
    if _UNFINISHED.fullmatch(path.name):
        return "unfinished file"
    if path.is_relative_to(data_folder.quality_dir(data)):
        return "page of acq qc"
    if path.name.endswith(".qc.json"):
        return "quality of another recording that names it"
    return (
        "dataset card"
        if path in (data_folder.card_file(data), data_folder.croissant_file(data))
        else ""
    )


def _frames(data: Path, manifests: Iterable[Manifest], subject: str) -> list[Trace]:
    """List kept face frames but those of other subjects' videos."""
    cache = data_folder.frames_cache(data)
    if not cache.is_dir():
        return []
    keep = {
        e.video.file_sha256 for manifest in manifests for e in manifest.entries
        if e.subject != subject
    }
    files = [path for path in sorted(cache.rglob("*")) if path.is_file()]
    kept = {
        path.with_suffix("") for path in files if path.suffix == ".json" and _video_of(path) in keep
    }
    return [
        Trace("face frames", path, path.stat().st_size) for path in files
        if path.with_name(path.name.partition(".")[0]) not in kept
    ]


def _video_of(path: Path) -> str:
    try:
        return str(json.loads(path.read_text())["video_sha256"])
    except (OSError, ValueError, KeyError, TypeError):
        return ""


def _refuse_links(traces: Traces) -> None:
    for trace in traces.removable:
        paths = [
            trace.path,
            *(trace.path.rglob("*") if trace.path.is_dir() and not trace.path.is_symlink() else []),
        ]
        if link := next((path for path in paths if path.is_symlink()), None):
            raise CurationError(
                f"expected files of their own, found a link at {link}; remove what it leads to and "
                "the link, then withdraw again"
            )
