"""Open HDF5 that others wrote: files that may be unfinished, cut short or hostile.

A file that was closed is opened plainly. One that is still being written, or whose writer was
killed, is opened in SWMR mode, after another process has shown that it opens at all. Links and
external storage are refused, not followed.
"""

import subprocess
import sys
import time
from pathlib import Path
from typing import Any, NamedTuple

import h5py
import hdf5plugin  # noqa: F401 - registers the filters that sessions are compressed with
import numpy as np
from h5py import h5a, h5l, h5o, h5t  # pyright: ignore[reportAttributeAccessIssue] - compiled

from acquire import data_folder, layout
from acquire.errors import Fix, SessionError
from acquire.writing import owner_of, recordings_of
from dataset.common.wording import counted

from .codestream import HTJ2K

SILENT_S = 10.0         # a recorder flushes four times a second: a file at rest for longer has none
RESTORE = "restore the file from a copy"
_SIGNATURE = b"\x89HDF\r\n\x1a\n"
A_RECORDING = "a recording of acq, which is HDF5"

_opened_in_child: set[tuple[str, int, int]] = set()


class Kind(NamedTuple):
    """How values of one stored type are read."""

    dtype: np.dtype             # as h5py reads them
    in_memory: Any              # the same as a type of HDF5
    is_text: bool               # of any length


_MOST_KINDS = 100
_kinds: dict[bytes, Kind] = {}      # by the type as HDF5 writes it down


def was_never_closed(path: Path) -> bool:
    """Return whether a writer has the file open, or was killed; False where it cannot be read.

    Then the consistency flags in its superblock are set.
    """
    try:
        if not path.is_file():
            return False
        with path.open("rb") as file:
            head = file.read(12)
    except OSError:
        return False
    return len(head) == 12 and head.startswith(_SIGNATURE) and head[8] >= 3 and head[11] != 0


def is_being_written(path: Path) -> bool:
    """Return whether a recorder is at work: never closed, and written in the last `SILENT_S`."""
    return was_never_closed(path) and abs(time.time() - path.stat().st_mtime) < SILENT_S


def recorder_of(path: Path) -> str:
    """Name the process that records this file now; "" where none does, or it cannot be seen.

    The lock is the subject's: of several files that were never closed, the newest is recorded.
    """
    if not was_never_closed(path):
        return ""
    owner = owner_of(data_folder.root_of(path), recordings_of(path.absolute().parent.name))
    if owner is None:
        return ""
    others = path.parent.glob(f"*{data_folder.SESSION_SUFFIX}")
    newest = max(filter(was_never_closed, others), key=lambda file: file.stat().st_mtime_ns)
    if newest.name != path.name:
        return ""
    return f"process {owner.pid}" if owner.pid else "another process"


def refuse_while_recorded(path: Path) -> None:
    """Refuse a recording that a process records now, however long it has written nothing.

    It may be stopped, or wait for its disk.

    Raises
    ------
    SessionError : see above
    """
    if recorder := recorder_of(path):
        raise SessionError(
            expected="a recording that has ended", found=f"one still recorded by {recorder}",
            where=path, fix="end it first",
        )


def open_to_read(path: Path, *, wait_s: float) -> h5py.File:
    """Open a session file for reading, closed or not.

    Parameters
    ----------
    wait_s : how long a file that was never closed may take to open; 0 waits for ever

    Raises
    ------
    SessionError : it is missing, not HDF5, or does not open
    """
    check_is_file(path)
    try:
        if not h5py.is_hdf5(path):
            with path.open("rb") as file:           # is_hdf5 is also false where it may not read
                size = file.seek(0, 2)
            raise SessionError(
                expected=A_RECORDING, where=f"at {path}", fix=Fix.MOVE_AWAY,
                found=f"{counted(size, 'byte')} that {'is' if size == 1 else 'are'} not HDF5"
                if size else "an empty file",
            )
        # A closed file is opened plainly: HDF5 then checks its length at once.
        is_open = was_never_closed(path)
        if is_open and wait_s:
            _try_in_child(path, wait_s)
        return h5py.File(path, "r", swmr=is_open, locking="best-effort")
    except PermissionError as error:
        raise SessionError(
            expected="a readable file", found="no permission", where=path, fix=Fix.GET_PERMISSION,
        ) from error
    except OSError as error:
        raise SessionError(
            expected="a whole HDF5 file", found=f"one that is cut short or damaged ({error})",
            where=path, fix=Fix.RECOVER_OR_RESTORE,
        ) from error


def check_is_file(path: Path) -> None:
    """Refuse what is no file, before it is opened.

    Raises
    ------
    SessionError : see above
    """
    if not path.is_file():
        raise SessionError(
            expected="a session file", found=data_folder.name_kind(path),
            where=f"at {path}", fix="recordings are data/sessions/<subject>/*.h5",
        )


def find_inside(file: h5py.File, name: str, path: Path) -> h5py.Dataset:
    """Return a dataset whose every byte lies in this file and whose filters are there.

    Raises
    ------
    SessionError : it is missing, is not a dataset, is reached by a link or stored in another file,
        or needs a filter that is not installed
    """
    return h5py.Dataset(open_inside(file, name, path)[0])


def open_inside(
    file: h5py.File, name: str, path: Path
) -> tuple[h5py.h5d.DatasetID, h5py.h5p.PropDCID]:
    """Open what `find_inside` returns; return it with the properties that it was made with.

    Raises
    ------
    SessionError : as `find_inside`
    """
    _refuse_links(file, name, path)
    # `file[name]` takes twice as long, and a session has fifteen of them
    node = h5o.open(file.id, name.encode())
    if not isinstance(node, h5py.h5d.DatasetID):
        raise SessionError(
            expected=f"the dataset /{name}", found="a group", where=path, fix=RESTORE
        )
    properties = node.get_create_plist()
    is_virtual = properties.get_layout() == h5py.h5d.VIRTUAL
    if is_virtual or properties.get_external_count():
        raise SessionError(
            expected=f"/{name} inside the file", found="it stored in another", where=path,
            fix="copy the data into the file",
        )
    _check_filters(properties, name, path)
    return node, properties


def has_link(file: h5py.File, name: str) -> bool:
    """Return whether there is something of this name, in a group that is there.

    `name in file` takes ten times as long.
    """
    return file.id.links.exists(name.encode())


def kind_of(stored: Any) -> Kind:
    """Return how a stored type, an `h5t.TypeID`, is read: h5py takes 50 us to find it out."""
    key = stored.encode()
    kind = _kinds.get(key)
    if kind is None:
        dtype = stored.dtype
        text = h5t.check_string_dtype(dtype)
        kind = Kind(dtype, h5t.py_create(dtype), text is not None and text.length is None)
        if len(_kinds) < _MOST_KINDS:
            _kinds[key] = kind
    return kind


def read_attribute(node: h5py.File | h5py.Dataset | h5py.Group, name: str) -> Any:
    """Return what `node.attrs[name]` returns, for one number or text in a third of the time."""
    attribute = h5a.open(node.id, name.encode())
    if attribute.shape != ():
        return node.attrs[name]
    kind = kind_of(attribute.get_type())
    if kind.dtype.subdtype is not None or (kind.dtype.hasobject and not kind.is_text):
        return node.attrs[name]
    value = np.zeros((), kind.dtype)
    attribute.read(value, mtype=kind.in_memory)
    plain: Any = value[()]
    return plain.decode("utf-8", "surrogateescape") if kind.is_text else plain


def find_group(file: h5py.File, name: str, path: Path) -> h5py.Group:
    """Return a group of this file.

    Raises
    ------
    SessionError : it is missing, is a dataset, or is reached by a link
    """
    _refuse_links(file, name, path)
    group = file[name]
    if not isinstance(group, h5py.Group):
        raise SessionError(
            expected=f"the group /{name}", found="a dataset", where=path, fix=RESTORE
        )
    return group


def _refuse_links(file: h5py.File, name: str, path: Path) -> None:
    """Refuse a name that is missing, or that a link leads to on any part of its way.

    Raises
    ------
    SessionError : see above
    """
    parts = name.split("/")
    for depth in range(1, len(parts) + 1):
        at = "/".join(parts[:depth])
        if not has_link(file, at):
            raise SessionError(expected=f"/{name}", found="none", where=path, fix=RESTORE)
        if file.id.links.get_info(at.encode()).type != h5l.TYPE_HARD:
            raise SessionError(
                expected=f"/{name} inside the file", found=f"a link that is not followed, /{at},",
                where=path, fix="copy the data into the file",
            )


def _try_in_child(path: Path, wait_s: float) -> None:
    """Open a file that was never closed in another process, and give up after `wait_s`.

    In SWMR mode HDF5 takes damaged metadata for metadata being written, and tries again, with
    pauses that double a hundred times: a killed recording that was also cut short would hang its
    reader for good, and h5py cannot set fewer attempts.
    """
    state = path.stat()
    key = (str(path), state.st_size, state.st_mtime_ns)
    if key in _opened_in_child:
        return
    # Isolated, then given our own path: a plain `-c` would import from the folder it runs in, -I
    # alone not from PYTHONPATH.
    code = (
        "import sys; sys.path[:] = sys.argv[2:]; from dataset.session.reader import Session; "
        "Session(sys.argv[1], wait_s=0)"
    )
    command = [sys.executable, "-I", "-c", code, str(path), *sys.path]
    try:
        child = subprocess.run(
            command, timeout=wait_s, check=False, capture_output=True, text=True, errors="replace"
        )
    except subprocess.TimeoutExpired as error:
        raise SessionError(
            expected="a recording that opens",
            found="one that was never closed, is cut short or damaged, and did not open in "
            f"{wait_s:g} s",
            where=path, fix=Fix.RECOVER_OR_RESTORE,
        ) from error
    if child.returncode:
        lines = child.stderr.strip().splitlines() or [f"exit code {child.returncode}"]
        raise SessionError(
            expected="a recording that opens",
            found=f"one that was never closed and does not ({lines[-1]})",
            where=path, fix=Fix.RECOVER_OR_RESTORE,
        )
    _opened_in_child.add(key)


def _check_filters(properties: h5py.h5p.PropDCID, dataset: str, path: Path) -> None:
    """Refuse filters that acq does not write with: what they decode to has no bound.

    Columns are stored as they are; of the frames, HTJ2K says in each of them how large it is.
    """
    is_video = dataset == layout.FRAMES
    for at in range(properties.get_nfilters()):
        code, _, _, name = properties.get_filter(at)
        if not is_video or code != HTJ2K or at:
            raise SessionError(
                expected="one filter, HTJ2K" if is_video else "no filter",
                found=f"number {code} ({name.decode(errors='replace') or 'unnamed'})",
                where=f"on /{dataset} in {path}", fix=RESTORE,
            )
        if not h5py.h5z.filter_avail(code):
            raise SessionError(
                expected="the filter HTJ2K of hdf5plugin", found="none",
                where=f"for /{dataset} in {path}", fix="update hdf5plugin",
            )
