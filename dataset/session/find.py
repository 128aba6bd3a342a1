"""What a person names: a data folder; a recording, by its session id or by its path.

A session id is the name of its file. Where nothing has the name, the nearest one there is told.
"""

from difflib import get_close_matches
from pathlib import Path

from acquire import data_folder
from acquire.errors import CurationError, Fix, SessionError


def check_data_folder(data: Path) -> None:
    """Refuse a data folder that is not there, before anything is looked for in it.

    Raises
    ------
    CurationError : it is not, or is no folder
    """
    if data.is_dir():
        return
    if data.exists():
        raise CurationError(
            expected="a data folder", found="a file", where=f"at {data}",
            fix=Fix.CHOOSE_DATA_FOLDER,
        )
    near = _near_folder(data)
    raise CurationError(
        expected="a data folder", found="nothing", where=f"at {data}",
        fix=f"did you mean {near}?" if near else Fix.CHOOSE_DATA_FOLDER,
    )


def _near_folder(path: Path) -> Path | None:
    """Return the folder that was probably meant by a path whose first missing part is misspelt."""
    missing = [part for part in (path, *path.parents) if not part.exists()][-1]
    try:
        names = {
            folder.name.casefold(): folder.name
            for folder in missing.parent.iterdir() if folder.is_dir()
        }
    except OSError:
        return None
    for name in get_close_matches(missing.name.casefold(), names, n=3):
        folder = missing.parent / names[name] / path.relative_to(missing)
        if folder.is_dir():
            return folder
    return None


def session_path(data: Path, text: str) -> Path:
    """Return the file that `text` names: any path, or the id of a recording under `data`.

    Whether a path leads to a recording is for its reader to say.

    Raises
    ------
    SessionError : no file of that name, and no recording of that id
    """
    path = Path(text)
    if path.exists() or not data_folder.is_session_id(text):
        return path
    matching = [file for file in data_folder.session_files(data) if file.stem == text]
    if len(matching) != 1:
        raise SessionError(
            expected="a file, or the id of one recording", where=f"for {text!r}",
            found=f"{len(matching)} recordings in {data_folder.sessions_dir(data)}" if matching
            else _none(data), fix=_advice(data, text),
        )
    return matching[0]


def find_session(data: Path, text: str) -> Path:
    """Return the recording under `data` that has this id or path; it need not be readable.

    Raises
    ------
    CurationError : there is no such recording under `data`, or there are two of that name
    """
    files = data_folder.session_files(data)
    if "/" in text or text.endswith(data_folder.SESSION_SUFFIX):
        matching = [path for path in files if path.resolve() == Path(text).resolve()]
    else:
        matching = [path for path in files if path.stem == text]
    if len(matching) != 1:
        raise CurationError(
            expected=f"a recording {text!r}",
            found=f"{len(matching)} files" if matching else "none",
            where=data_folder.sessions_dir(data), fix=_advice(data, text),
        )
    return matching[0]


def _none(data: Path) -> str:
    folder = data_folder.sessions_dir(data)
    return "neither" if folder.is_dir() else f"no such file, and no folder {folder}"


def _advice(data: Path, text: str) -> Fix | str:
    """Name the recording that was probably meant; else advise to look at the list."""
    names = {path.stem.casefold(): path.stem for path in data_folder.session_files(data)}
    near = get_close_matches(Path(text).stem.casefold(), names, n=1, cutoff=0.8)
    return f"did you mean {names[near[0]]}?" if near else Fix.LIST_SESSIONS
