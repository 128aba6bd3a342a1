"""Open HDF5 that others wrote: files that may be unfinished, cut short or hostile.

A file that was closed is opened plainly. One that is still being written, or whose writer was
killed, is opened in SWMR mode, after another process has shown that it opens at all. Links and
external storage are refused, not followed.
"""

import subprocess
import sys
from pathlib import Path

import h5py
import hdf5plugin  # noqa: F401 - registers the filters that sessions are compressed with

from acquire.errors import SessionError
from dataset.common.files import one_line

_SIGNATURE = b"\x89HDF\r\n\x1a\n"

_opened_in_child: set[tuple[str, int, int]] = set()


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
            with path.open("rb") as file:           # is_hdf5 also says no where it may not read
                size = file.seek(0, 2)
            raise SessionError(
                f"expected HDF5, found {size} bytes of something else at {path}; is it a recording "
                "of acq?"
            )
        # A closed file is opened plainly: HDF5 then checks its length at once.
        is_open = was_never_closed(path)
        if is_open and wait_s:
            _try_in_child(path, wait_s)
        return h5py.File(path, "r", swmr=is_open, locking="best-effort")
    except PermissionError as error:
        raise SessionError(f"expected to read {path}, got: no permission") from error
    except OSError as error:
        raise SessionError(
            f"expected a whole HDF5 file, found one that is cut short or damaged at {path}: "
            f"{one_line(error)}; "
            "try `acq recover` on it, or restore it from a copy"
        ) from error


def check_is_file(path: Path) -> None:
    """Refuse what is no file, before it is opened.

    Raises
    ------
    SessionError : see above
    """
    if not path.is_file():
        found = "a folder" if path.is_dir() else "nothing"
        raise SessionError(
            f"expected a session file, found {found} at {path}; recordings are "
            "data/sessions/<subject>/*.h5"
        )


def find_inside(file: h5py.File, name: str, path: Path) -> h5py.Dataset:
    """Give a dataset whose every byte lies in this file and whose filters are there.

    Raises
    ------
    SessionError : it is missing, is not a dataset, is reached by a link or stored in another file,
        or needs a filter
    """
    refuse_links(file, name, path)
    found = file[name]
    if not isinstance(found, h5py.Dataset):
        raise SessionError(
            f"expected the dataset /{name}, found a group in {path}; restore the file from a copy"
        )
    if found.external or found.is_virtual:
        raise SessionError(
            f"expected /{name} inside the file, found it stored in another, in {path}; copy the "
            "data in"
        )
    _check_filters(found, path)
    return found


def refuse_links(file: h5py.File, name: str, path: Path) -> None:
    """Refuse a name that is missing, or that a link leads to on any part of its way.

    Raises
    ------
    SessionError : see above
    """
    parts = name.split("/")
    for depth in range(1, len(parts) + 1):
        at = "/".join(parts[:depth])
        link = file.get(at, getlink=True)
        if link is None:
            raise SessionError(
                f"expected /{name}, found none in {path}; restore the file from a copy"
            )
        if not isinstance(link, h5py.HardLink):
            raise SessionError(
                f"expected /{name} inside the file, found a link that is not followed, /{at}, in "
                f"{path}; "
                "copy the data into the file"
            )


def was_never_closed(path: Path) -> bool:
    """Say whether a writer has the file open, or was killed: the consistency flags in its
    superblock are set.
    """
    with path.open("rb") as file:
        head = file.read(12)
    return len(head) == 12 and head.startswith(_SIGNATURE) and head[8] >= 3 and head[11] != 0


def _try_in_child(path: Path, wait_s: float) -> None:
    """Open a file that was never closed in another process first, and give up on it after `wait_s`.

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
    code = "import sys; sys.path[:] = sys.argv[2:]; from dataset.session.reader import Session; Session(sys.argv[1], wait_s=0)"
    command = [sys.executable, "-I", "-c", code, str(path), *sys.path]
    try:
        done = subprocess.run(
            command, timeout=wait_s, check=False, capture_output=True, text=True, errors="replace"
        )
    except subprocess.TimeoutExpired as error:
        raise SessionError(
            "expected a recording that opens, found one that was never closed and did not open in "
            f"{wait_s:g} s, at {path}; "
            "it is cut short or damaged: try `acq recover` on it, or restore it from a copy"
        ) from error
    if done.returncode:
        said = (done.stderr.strip().splitlines() or [f"exit code {done.returncode}"])[-1]
        raise SessionError(
            "expected a recording that opens, found one that was never closed and does not, at "
            f"{path}: {said}"
        )
    _opened_in_child.add(key)


def _check_filters(dataset: h5py.Dataset, path: Path) -> None:
    made = dataset.id.get_create_plist()
    for at in range(made.get_nfilters()):
        code, _, _, name = made.get_filter(at)
        if not h5py.h5z.filter_avail(code):
            called = name.decode(errors="replace") or "unnamed"
            raise SessionError(
                f"expected a filter that hdf5plugin has, found number {code} ({called}) on "
                f"{dataset.name} in {path}; "
                "update hdf5plugin"
            )
