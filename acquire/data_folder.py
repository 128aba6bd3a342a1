"""The paths of everything in a data folder, and the names that may become paths in it."""

import errno
import os
import re
import stat
import unicodedata
from collections.abc import Callable, Iterable
from datetime import datetime, timezone
from difflib import SequenceMatcher
from pathlib import Path

from .errors import SessionError

SUBJECT_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,31}")
SESSION_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,63}")
_OWN_SESSION_ID = re.compile(r"(.+)-\d{8}T\d{6}Z")    # as `new_session_id` makes them
SESSION_CHARACTERS = "letters, digits, - and _"      # of an id of a session
SESSION_SUFFIX = ".h5"
CARD = "card.md"
_NEAR, _MOST_NEAR = 0.8, 4            # how alike names are, 0 to 1; how many are told
_MOST_NAMED = 5


def is_subject_id(text: str) -> bool:
    """Return whether `text` may name a subject: a pseudonym that is safe as a folder name."""
    return SUBJECT_ID.fullmatch(text) is not None


def is_session_id(text: str) -> bool:
    """Return whether `text` may name a session: safe as a file name."""
    return SESSION_ID.fullmatch(text) is not None


def check_subject(subject: str) -> None:
    """Refuse a subject id that is no pseudonym or not safe as a folder name.

    Raises
    ------
    SessionError : it is not
    """
    if not is_subject_id(subject):
        raise SessionError(
            expected="a subject id of 1 to 32 letters, digits, - and _, starting with a letter or "
            "digit",
            found=repr(subject), fix="use a pseudonym such as S01",
        )


def read_as(name: str) -> str:
    """Return a name as people compare it: names with the same result are read as one.

    Capitals, forms of Unicode and zeros before a number tell no names apart: `S01`, `s01` and `S1`
    are read as one name, and the first two are one folder on exFAT, macOS and Windows.
    """
    folded = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", name).casefold())
    return re.sub(r"(?<!\d)0+(?=\d)", "", folded)


def near_names(name: str, names: Iterable[str]) -> list[str]:
    """Return the names that were probably meant: those read as the same, else all that are nearest.

    None where nothing is near, or so many are that none of them stands out.
    """
    reading, near = read_as(name), dict[float, list[str]]()
    for one in sorted(set(names)):
        likeness = SequenceMatcher(None, reading, read_as(one)).ratio()
        near.setdefault(likeness, []).append(one)
    best = max(near, default=0.0)
    return near[best] if best >= _NEAR and len(near[best]) <= _MOST_NEAR else []


def ask_if_meant(name: str, names: Iterable[str]) -> str:
    """Return the question whether a name that is near was meant; "" where none is."""
    near = near_names(name, names)
    return f"did you mean {' or '.join(near)}?" if near else ""


def names_read_as_one(names: Iterable[str]) -> list[tuple[str, ...]]:
    """Group different names that people read as one, each group sorted."""
    groups: dict[str, set[str]] = {}
    for name in names:
        groups.setdefault(read_as(name), set()).add(name)
    return sorted(tuple(sorted(group)) for group in groups.values() if len(group) > 1)


def subjects_in(data: Path) -> list[str]:
    """List the subjects that have a folder under `data`, sorted."""
    folder = sessions_dir(data)
    return [name for name in _names_in(folder) if (folder / name).is_dir()]


def unlisted_folder(error: OSError) -> SessionError:
    """Return the error of a subject's folder that cannot be listed, by what the system said."""
    return SessionError(
        expected="subjects' folders that can be read", where=Path(error.filename),
        found=error.strerror,
        fix="what may lie in it is not known: check its permissions, or the disk it is on",
    )


def doubtful_names(
    data: Path, *, is_excluded: Callable[[str], bool] = lambda session: False
) -> list[SessionError]:
    """Return what is doubtful in the names of subjects and recordings, an error each.

    They are subjects whose names are read as one, who may be used, and recordings that nothing
    reads. A subject all of whose sessions are excluded is passed over.
    """
    unlisted: list[OSError] = []            # for a recording of another person it is no obstacle
    found = unread_recordings(data, unlisted=unlisted)
    unread = [path.relative_to(sessions_dir(data)).as_posix() for path in found]
    more = f" and {len(unread) - _MOST_NAMED} more" if len(unread) > _MOST_NAMED else ""
    return [unlisted_folder(error) for error in unlisted] + [
        SessionError(
            f"{' and '.join(names)} in {sessions_dir(data)} are read as one name",
            fix="where they are one person, exclude the sessions of one of them",
        )
        for names in names_read_as_one(_subjects_used(data, is_excluded))
    ] + [
        SessionError(
            f"not read by anything in {sessions_dir(data)}: "
            f"{', '.join(unread[:_MOST_NAMED])}{more}",
            fix=f"what is a recording is to be named <subject>/<session>{SESSION_SUFFIX}",
        )
    ] * bool(unread)


def _subjects_used(data: Path, is_excluded: Callable[[str], bool]) -> set[str]:
    """Return the subjects that have a session which is not excluded, or none at all."""
    out, used = set[str](), set[str]()
    for path in session_files(data, unlisted=[]):
        (out if is_excluded(path.stem) else used).add(path.parent.name)
    return set(subjects_in(data)) - (out - used)


def check_new_subject(data: Path, subject: str, *, others: Iterable[str] = ()) -> None:
    """Refuse a subject id that is none, and a new one that was hardly meant.

    That is one which is read as the name of another subject, and the id of a session. A subject
    that is here already is let pass.

    Parameters
    ----------
    others : subjects that are about to get a folder, too

    Raises
    ------
    SessionError : it is
    """
    check_subject(subject)
    here = {*subjects_in(data), *others}
    if subject in here:
        return
    if match := _OWN_SESSION_ID.fullmatch(subject):
        raise SessionError(
            expected="a subject", found=f"{subject}, the id of a session", where=sessions_dir(data),
            fix=f"name the person, {match[1]}: each recording gets its own id",
        )
    same = sorted(name for name in here if read_as(name) == read_as(subject))
    if same:
        raise SessionError(
            expected="a subject who is here, or a new name that is read as no other",
            found=f"{subject} beside {', '.join(same)}", where=sessions_dir(data),
            fix=f"name {same[0]} if it is that person, else choose a name that differs in more "
                "than capitals or zeros",
        )


def new_session_id(subject: str, unix_s: float) -> str:
    """Return a session's name: its subject and the second it started in, UTC."""
    return f"{subject}-{datetime.fromtimestamp(unix_s, timezone.utc):%Y%m%dT%H%M%SZ}"


def sessions_dir(data: Path) -> Path:
    """Return the folder that holds one folder of recordings per subject."""
    return data / "sessions"


def session_file(data: Path, subject: str, session_id: str) -> Path:
    """Return the path of one recording."""
    return sessions_dir(data) / subject / f"{session_id}{SESSION_SUFFIX}"


def session_files(data: Path, *, unlisted: list[OSError] | None = None) -> list[Path]:
    """Return all session files under `data`, sorted by path, also those still being written.

    What systems leave there is none: `._S01-….h5` of macOS, a folder of things thrown away.

    Parameters
    ----------
    unlisted : takes up why the folder of a subject cannot be listed; None: that is raised

    Raises
    ------
    OSError : the folder of a subject, or that of all of them, is there and cannot be listed
    """
    folder, files = sessions_dir(data), list[Path]()
    for subject in _names_in(folder):
        try:
            names = _names_in(folder / subject)
        except OSError as error:
            if unlisted is None:
                raise
            unlisted.append(error)
            continue
        files += [folder / subject / name for name in names if name.endswith(SESSION_SUFFIX)]
    return files


def _names_in(folder: Path) -> list[str]:
    """List the names in a folder, sorted, without hidden ones; none where there is no folder.

    One that cannot be listed must not pass for an empty one, be it a link to a disk that is away:
    unless no subject can have its name, as `lost+found` of a disk.
    """
    try:
        names = os.listdir(folder)
    except NotADirectoryError:
        return []
    except OSError:
        if is_subject_id(folder.name) and is_there(folder):
            raise
        return []
    return sorted(name for name in names if name[0] != ".")


def unread_recordings(data: Path, *, unlisted: list[OSError] | None = None) -> list[Path]:
    """Return files that end as recordings do, in capitals or not, where no recording is looked for.

    They lie beside the folders of the subjects, or in folders below these.

    Parameters
    ----------
    unlisted : takes up why a folder cannot be listed; None: that is raised
    """
    def note(error: OSError) -> None:
        folder = Path(error.filename)
        if is_subject_id(folder.name) and is_there(folder):    # else gone by now, or the system's
            if unlisted is None:
                raise error
            unlisted.append(error)

    unread: list[Path] = []
    for folder, folders, names in os.walk(sessions_dir(data), onerror=note):
        here = Path(folder)
        folders[:] = [name for name in folders if name[0] != "."]
        is_subject = here.parent == sessions_dir(data)
        unread += [
            here / name for name in names
            if name[0] != "." and name.lower().endswith(SESSION_SUFFIX)
            and not (is_subject and name.endswith(SESSION_SUFFIX))
        ]
    return sorted(unread)


def is_there(path: Path) -> bool:
    """Return whether something has this name, be it a link that leads nowhere.

    What cannot be read must not pass for what was never written.
    """
    return os.path.lexists(path)


def name_kind(path: Path) -> str:
    """Name what is at a path: a file, a folder, a pipe, a device, a link that leads nowhere."""
    try:
        mode = path.stat().st_mode
    except OSError as error:
        if error.errno == errno.ELOOP:
            return "a link that leads in a circle"
        return "a link that leads to nothing" if path.is_symlink() else "nothing"
    kinds = (
        (stat.S_ISREG, "a file"), (stat.S_ISDIR, "a folder"), (stat.S_ISFIFO, "a pipe"),
        (stat.S_ISSOCK, "a socket"),
    )
    return next((name for is_kind, name in kinds if is_kind(mode)), "a device")


def root_of(session_file: Path) -> Path:
    """Return the data folder that holds a recording; its own folder where it lies elsewhere."""
    folder = session_file.absolute().parent
    return folder.parent.parent if folder.parent.name == "sessions" else folder


def subject_file(data: Path, subject: str) -> Path:
    """Return the path of the notes on a subject, beside the recordings."""
    return sessions_dir(data) / subject / "subject.json"


def quality_file(session_file: Path) -> Path:
    """Return the path of the quality result of a session, beside it."""
    return session_file.with_suffix(".qc.json")


def quality_curves_file(session_file: Path) -> Path:
    """Return the path of the curves behind a session's quality, beside it."""
    return session_file.with_suffix(".qc.npz")


def quality_dir(data: Path) -> Path:
    """Return the folder of the pages on the quality of the sessions."""
    return data / "qc"


def exclusions_file(data: Path) -> Path:
    """Return the path of the list of sessions that a curator excluded."""
    return data / "exclusions.json"


def split_file(data: Path) -> Path:
    """Return the path of the subject-disjoint split."""
    return data / "split.json"


def rig_file(data: Path) -> Path:
    """Return the path of the rig's calibration."""
    return data / "rig.json"


def ubfc_dir(data: Path) -> Path:
    """Return the root of the curated folders in the UBFC-rPPG layout."""
    return data / "ubfc"


def card_file(data: Path) -> Path:
    """Return the path of the dataset card for people."""
    return ubfc_dir(data) / CARD


def croissant_file(data: Path) -> Path:
    """Return the path of the dataset card for programs, in the Croissant format."""
    return ubfc_dir(data) / "croissant.json"


def withdrawals_file(data: Path) -> Path:
    """Return the path of the record of withdrawals; it names nobody."""
    return data / "withdrawals.json"


def pure_dir(data: Path) -> Path:
    """Return the root of the curated folders in the PURE layout."""
    return data / "pure"


def bids_dir(data: Path) -> Path:
    """Return the root of the recordings as a BIDS data set."""
    return data / "bids"


def tools_dir(data: Path) -> Path:
    """Return the folder that holds an export for each tool that one was made for."""
    return data / "for"


def tool_dir(data: Path, tool: str) -> Path:
    """Return the root of the curated folders for a tool; of none, of those in the PURE layout."""
    return tools_dir(data) / tool if tool else pure_dir(data)


def export_dirs(data: Path) -> list[Path]:
    """List the roots of the exports that are there."""
    tools = tools_dir(data)
    roots = [pure_dir(data), *(sorted(tools.iterdir()) if tools.is_dir() else ())]
    return [root for root in roots if root.is_dir()]


def frames_cache(data: Path) -> Path:
    """Return the folder of cached face frames; deleting it is always safe."""
    return data / "cache" / "frames"


def known_sessions_file(data: Path) -> Path:
    """Return the path of what was read of the sessions; deleting it is always safe."""
    return data / "cache" / "sessions.json"


def home_frames_cache() -> Path:
    """Return the folder of cached face frames of data that cannot be written, in the user's home.

    Source: XDG Base Directory Specification; a relative path in the variable is passed over.
    """
    named = Path(os.environ.get("XDG_CACHE_HOME", ""))
    return (named if named.is_absolute() else Path.home() / ".cache") / "acq" / "frames"


def runs_dir(data: Path) -> Path:
    """Return the folder of training runs."""
    return data / "runs"


def changes_file(data: Path) -> Path:
    """Return the path of the log of what was changed through the studio."""
    return data / "studio" / "changes.log"


def jobs_dir(data: Path) -> Path:
    """Return the folder of the studio's jobs."""
    return data / "studio" / "jobs"
