"""What lies under the root of a public set, and the files of one of its folders.

Copies differ in what the files are not about: the case of names, a folder that unpacking put around
another of the same name, what macOS leaves beside each file. These make no difference; a link that
leads nowhere and an archive are named for what they are.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from acquire.data_folder import name_kind
from acquire.errors import CurationError

_OF_MACOS = "__MACOSX"
_ARCHIVES = (
    ".zip", ".7z", ".rar", ".tar", ".gz", ".tgz", ".bz2", ".tbz2", ".xz", ".txz", ".zst",
    ".z01", ".001",                       # the first parts of larger ones
)
MOST_NESTED = 3         # folders that unpacking puts into each other
UNPACK = "unpack it"


@dataclass(frozen=True)
class Place:
    """What may hold recordings under the root of a set, or is named for what it is instead."""

    path: Path
    defect: str = ""         # "" for a folder, or a file that is a recording
    fix: str = ""


def list_places(root: Path, suffix: str = "") -> list[Place]:
    """List what may hold recordings under `root`, sorted by name: folders, archives, dead links.

    Parameters
    ----------
    suffix : of files that are recordings themselves, such as ".mat"; "": no file is

    Raises
    ------
    CurationError : `root` is no folder
    """
    if not root.is_dir():
        is_archive = root.suffix.lower() in _ARCHIVES and root.is_file()
        raise CurationError(
            expected="a folder that holds a public data set",
            found="an archive" if is_archive else "a file" if root.exists() else "none",
            where=f"at {root}",
            fix="unpack it, and name the folder that holds the set's folders" if is_archive
            else "name the folder that holds the set's folders",
        )
    return [
        place for path in sorted(root.iterdir()) if not _is_of_the_system(path)
        if (place := _place_of(path, suffix)) is not None
    ]


def _place_of(path: Path, suffix: str) -> Place | None:
    is_recording = suffix != "" and path.suffix.lower() == suffix and path.is_file()
    if path.is_dir() or is_recording:
        return Place(path)
    if path.is_symlink():
        return Place(path, f"a link to {path.readlink()}, which is not there", "bring it back")
    if path.suffix.lower() in _ARCHIVES:
        return Place(path, "an archive", UNPACK)
    return None


def _is_of_the_system(path: Path) -> bool:
    """Return whether a name is one that an operating system leaves beside the files of people."""
    return path.name == _OF_MACOS or path.name.startswith(".")


def describe_places(root: Path) -> str:
    """Return in words what lies under `root`, for an error that expected a set's folders."""
    names = [place.path.name for place in list_places(root)]
    if not names:
        macos = (root / _OF_MACOS).exists()
        files = sorted(path.name for path in visible(root))
        listed = f", but {', '.join(files[:3])}{' and more' * (len(files) > 3)}" if files else ""
        return (
            f"only {_OF_MACOS}, which macOS adds to an archive" if macos else f"no folder{listed}"
        )
    more = f" and {len(names) - 5} more" if len(names) > 5 else ""
    return ", ".join(names[:5]) + more


def describe_files(folder: Path) -> str:
    """Return in words what lies in a folder, for an error that expected certain files."""
    names = sorted(path.name for path in visible(folder)) if folder.is_dir() else []
    more = f" and {len(names) - 3} more" if len(names) > 3 else ""
    return ", ".join(names[:3]) + more if names else "nothing"


def innermost(folder: Path) -> Path:
    """Return the folder that holds the files: unpacking may have put it into others of its name."""
    for _ in range(MOST_NESTED):
        inner = folder / folder.name
        if not inner.is_dir() or any(path.is_file() for path in visible(folder)):
            break
        folder = inner
    return folder


def find_file(folder: Path, name: str) -> Path:
    """Return the file of this name in a folder, or the one that differs from it in case only.

    Raises
    ------
    CurationError : several differ in case only
    """
    exact = folder / name
    if exact.exists() or not folder.is_dir():
        return exact
    others = [path for path in visible(folder) if path.name.lower() == name.lower()]
    if len(others) > 1:
        found = " and ".join(sorted(path.name for path in others))
        raise CurationError(
            expected=f"one {name}", found=found, where=folder, fix="keep the right one"
        )
    return others[0] if others else exact


def what_instead(path: Path) -> str:
    """Return what lies where a file was expected: like it in a part of its name, or an archive."""
    if not path.parent.is_dir():
        return "nothing"
    if path.is_symlink():
        return f"a link to {path.readlink()}, which is not there"
    if path.exists():
        return name_kind(path)
    others = sorted(
        other.name for other in visible(path.parent)
        if other.is_file() and (
            other.stem.lower() == path.stem.lower()
            or other.suffix.lower() in (path.suffix.lower(), *_ARCHIVES)
        )
    )
    if others:
        return " and ".join(others[:3])
    below = sorted(
        folder.name for folder in visible(path.parent) if (folder / path.name).is_file()
    )
    return f"one in the folder {below[0]}" if below else "nothing"


def visible(folder: Path) -> Iterator[Path]:
    """Yield what lies in a folder, without what a system leaves beside the files of people."""
    return (path for path in folder.iterdir() if not _is_of_the_system(path))
