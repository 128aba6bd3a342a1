"""Recordings of a data folder that come back as folders that acq made of them.

Imported under another name they would be another subject with the same pictures, who may be tested
on while the first is trained on. A folder is known by the manifest beside it, or, where it was
copied without one, by its files in the manifests of this data folder. A session that was withdrawn
is not known: no name of it is kept.
"""

from collections.abc import Iterable, Iterator
from pathlib import Path

from acquire import data_folder
from acquire.errors import AcqError, CurationError
from dataset.layouts.export_manifest import read_export_entries
from dataset.layouts.manifest import MANIFEST
from dataset.layouts.manifest_file import read_manifest
from dataset.session.find import files_by_id


class SessionsHere:
    """The sessions of a data folder, looked at when they are first asked for."""

    def __init__(self, data: Path) -> None:
        self._data = data
        self._files: dict[str, tuple[Path, ...]] | None = None

    def refuse(self, session: str, folder: Path) -> None:
        """Refuse a folder that acq made of a session which is in this data folder.

        Raises
        ------
        CurationError : it is
        """
        if self._files is None:
            self._files = files_by_id(data_folder.session_files(self._data))
        if session in self._files:
            raise _is_here(folder, session, f"in {self._files[session][0]}")


def refuse_made_here(data: Path, hashes: Iterable[str], folder: Path) -> None:
    """Refuse a folder whose files are those of a folder that acq made in this data folder.

    Parameters
    ----------
    hashes : SHA-256 of its files

    Raises
    ------
    CurationError : they are
    """
    asked = set(hashes)
    shared = [(len(asked & of), made, session) for made, session, of in _made_in(data)]
    most, made, session = max(shared, default=(0, data, ""))
    if most:
        raise _is_here(folder, session, f"curated in {made}")


def _is_here(folder: Path, session: str, where: str) -> CurationError:
    return CurationError(
        expected="a recording that is not in this data folder yet",
        found=f"{folder.name} made by acq of {session}, which is {where}",
        fix="nothing of it is imported: use that session",
    )


def _made_in(data: Path) -> Iterator[tuple[Path, str, set[str]]]:
    """Yield each folder of the manifests under `data`, its session, and the hashes of its files.

    A manifest that cannot be read is passed over: `dataset.verify` names it.
    """
    root = data_folder.ubfc_dir(data)
    try:
        entries = read_manifest(root / MANIFEST).entries if (root / MANIFEST).is_file() else ()
    except AcqError:
        entries = ()
    for entry in entries:
        yield root / entry.folder, entry.session, {entry.video.file_sha256, entry.labels.sha256}
    for root in (data_folder.pure_dir(data), *sorted(data_folder.tools_dir(data).glob("*"))):
        try:
            exported = read_export_entries(root) if (root / MANIFEST).is_file() else ()
        except AcqError:
            exported = ()
        for entry in exported:
            yield root / entry.folder, entry.session, {entry.labels_sha256}
