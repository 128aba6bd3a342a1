"""Whether what was made of recordings is of today: of their state, their split, their exclusions.

Curated folders and exports are whole long after what they were made from has changed. Whoever reads
them asks here, and gets the same answer: a folder is outdated where the recording is not the one
that it was made from, is excluded by now, or had other parts excluded; and all of them are where
another split made them. What cannot be compared, since a recording or the split is not here, is not
outdated.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from acquire import data_folder
from acquire.errors import AcqError, CurationError, Fix
from dataset.common.progress import OnProgress
from dataset.layouts.bids_description import parts_of_bids
from dataset.layouts.export_manifest import ExportManifest, export_again, read_export_manifest
from dataset.layouts.manifest import MANIFEST, ExcludedPart, Manifest
from dataset.layouts.manifest_file import read_manifest
from dataset.selection.exclusions import Exclusions
from dataset.selection.exclusions_file import read_exclusions
from dataset.selection.split import Split, without_subject
from dataset.selection.split_file import read_split
from dataset.session.find import files_by_id
from dataset.session.reader import Session

_MOST_NAMED = 4
_WITH_SPLIT = (
    Fix.SPLIT_AND_CONVERT_AGAIN, Fix.SPLIT_AND_EXPORT_PURE_AGAIN, Fix.SPLIT_AND_EXPORT_FOR_AGAIN
)


@dataclass(frozen=True)
class Today:
    """What is there now."""

    split: Split | None                       # None: there is none
    exclusions: Exclusions
    session_hashes: Mapping[str, str]         # content hash by session id, of those that are here


@dataclass(frozen=True)
class Outdated:
    """Something that is whole, and made from another state of its source."""

    place: Path
    error: CurationError                      # says what makes it anew


@dataclass(frozen=True)
class _Folder:
    """What both layouts say of the origin of a folder."""

    folder: str
    subject: str
    session: str
    content_hash: str
    excluded: tuple[ExcludedPart, ...]


def read_today(
    data: Path, sessions: Iterable[str], *, on_progress: OnProgress | None = None
) -> Today:
    """Read the split and the exclusions, and hash the recordings of these sessions.

    A recording that is not here, or cannot be read, has no hash.

    Raises
    ------
    SplitError, CurationError : the split or the exclusions cannot be read
    """
    path = data_folder.split_file(data)
    split = read_split(path) if data_folder.is_there(path) else None
    wanted, hashes = set(sessions), dict[str, str]()
    files = files_by_id(data_folder.session_files(data))
    present = sorted(wanted & files.keys())
    for done, session_id in enumerate(present, start=1):
        try:
            with Session(files[session_id][0]) as session:
                hashes[session_id] = session.content_hash()
        except (AcqError, OSError):
            continue
        finally:
            if on_progress:
                on_progress("hashing sessions", done, len(present))
    return Today(split, read_exclusions(data), hashes)


def find_outdated(
    data: Path, manifest: Manifest | ExportManifest, today: Today
) -> list[Outdated]:
    """List what of an export is not of today: first the export as a whole, then its folders."""
    if isinstance(manifest, ExportManifest):
        root, folders = data_folder.tool_dir(data, manifest.tool), [
            _Folder(entry.folder, entry.subject, entry.session, entry.session_hash, entry.excluded)
            for entry in manifest.entries
        ]
    else:
        root, folders = data_folder.ubfc_dir(data), [
            _Folder(
                entry.folder, entry.subject, entry.session, entry.source.content_hash,
                entry.rows.excluded,
            )
            for entry in manifest.entries
        ]
    outdated = []
    if today.split and manifest.split_hash not in _split_hashes(today.split, folders):
        path = data_folder.split_file(data)
        text = f"the folders in {root} were made by another split than {path}"
        outdated.append(_outdated(root / MANIFEST, text, manifest))
    identities = today.split.sessions if today.split else ()
    in_split = {identity.session: identity.hash for identity in identities}
    for folder in folders:
        place, split_hash = root / folder.folder, in_split.get(folder.session)
        for text, needs_split in _of_folder(place, folder, today, split_hash):
            outdated.append(_outdated(place, text, manifest, needs_split=needs_split))
    return outdated


def _split_hashes(split: Split, folders: Sequence[_Folder]) -> set[str]:
    """Return the hash of the split, and that without the subject whose folders are gone.

    A withdrawal removes the folders of a subject first, and the subject from the split later.
    """
    gone = {session.subject for session in split.sessions} - {folder.subject for folder in folders}
    reduced = without_subject(split, gone.pop()) if len(gone) == 1 else None
    return {split.hash} | ({reduced.hash} if reduced else set())


def _of_folder(
    place: Path, folder: _Folder, today: Today, split_hash: str | None
) -> Iterator[tuple[str, bool]]:
    """Yield what is outdated of a folder, and whether the split has to be made anew for it.

    Parameters
    ----------
    split_hash : of the session, by the split; None: the split does not have it
    """
    now = today.session_hashes.get(folder.session)
    if now is not None and now != folder.content_hash:
        text = f"{place} was made from another state of {folder.session}"
        yield text, split_hash not in (None, now)
    if today.exclusions.is_excluded(folder.session):
        yield f"{place} is of {folder.session}, which is excluded", split_hash is not None
    parts_now = {
        (exclusion.from_s, exclusion.to_s)
        for exclusion in today.exclusions.of(folder.session) if not exclusion.is_whole
    }
    if parts_now != {(part.from_s, part.to_s) for part in folder.excluded}:
        yield f"{place} was made when other parts of {folder.session} were excluded", False


def _outdated(
    place: Path, text: str, manifest: Manifest | ExportManifest, *, needs_split: bool = False
) -> Outdated:
    if not isinstance(manifest, ExportManifest):
        fix, of = (Fix.CONVERT_AGAIN, Fix.SPLIT_AND_CONVERT_AGAIN)[needs_split], ""
    else:
        fix, of = export_again(manifest.tool, manifest.layout, split=needs_split)
    return Outdated(place, CurationError(text, fix=fix, of=of))


def check_of_today(
    data: Path, manifest: Manifest, *, on_progress: OnProgress | None = None
) -> None:
    """Refuse curated folders of which something is not of today; the recordings are hashed.

    Raises
    ------
    CurationError : what, and what makes the folders anew
    SplitError : the split cannot be read
    """
    sessions = {entry.session for entry in manifest.entries}
    today = read_today(data, sessions, on_progress=on_progress)
    if outdated := find_outdated(data, manifest, today):
        raise _together(data, outdated)


def find_changed_meanwhile(data: Path, root: Path) -> CurationError | None:
    """Return what was decided while these folders were made, and makes them out of date.

    Exclusions and the split are read again; no recording is.

    Raises
    ------
    SplitError, CurationError : the split, the exclusions or the manifest cannot be read
    """
    today = read_today(data, ())
    if root == data_folder.bids_dir(data):
        outdated = _of_bids(root, today.exclusions)
    else:
        is_ubfc = root == data_folder.ubfc_dir(data)
        manifest = read_manifest(root / MANIFEST) if is_ubfc else read_export_manifest(root)
        outdated = find_outdated(data, manifest, today)
    return _together(data, outdated) if outdated else None


def _of_bids(root: Path, exclusions: Exclusions) -> list[Outdated]:
    """List the recordings of a BIDS data set of which something else is excluded by now."""
    return [
        Outdated(root, CurationError(
            f"{root} was made when other parts of {session} were excluded",
            fix=Fix.EXPORT_BIDS_AGAIN,
        ))
        for session, parts in parts_of_bids(root).items()
        if {(one.from_s, one.to_s) for one in exclusions.of(session)}
        != {(part.from_s, part.to_s) for part in parts}
    ]


def _together(data: Path, outdated: Sequence[Outdated]) -> CurationError:
    """Return one error of all that is outdated, with what makes it anew."""
    texts = [one.error.facts.replace(f"{data}/", "") for one in outdated]
    more = f" | and {len(texts) - _MOST_NAMED} more" if len(texts) > _MOST_NAMED else ""
    first = next((one.error for one in outdated if one.error.fix in _WITH_SPLIT), outdated[0].error)
    return CurationError(
        expected="folders of the present recordings, split and exclusions",
        found=f"that {' | '.join(texts[:_MOST_NAMED])}{more}", where=f"under {data}",
        fix=first.fix, of=first.of,
    )
