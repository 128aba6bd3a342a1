"""Verify recordings against the split, and what lies beside them."""

from pathlib import Path

from acquire import data_folder
from acquire.errors import AcqError, CurationError, Fix, SplitError
from dataset.common.progress import OnProgress
from dataset.quality.curves import read_curves
from dataset.quality.result import read_quality
from dataset.selection.identities import SessionIdentity
from dataset.session.find import find_copies
from dataset.session.reader import Session
from dataset.session.subject import read_subject

from .result import References, Verification


def verify_sessions(
    data: Path, verification: Verification, references: References, on_progress: OnProgress
) -> None:
    """Hash every recording, and read what is noted of every subject."""
    in_split = references.split.sessions if references.split else ()
    identities = {identity.file: identity for identity in in_split}
    paths = data_folder.session_files(data)
    is_excluded = references.exclusions.is_excluded
    copies = find_copies(path for path in paths if not is_excluded(path.stem))
    on_progress("hashing sessions", 0, len(paths))
    for done, path in enumerate(paths, start=1):
        if path in copies:
            verification.add("broken", path, copies[path])
        else:
            identity = identities.get(path.relative_to(data).as_posix())
            session_hash = _verify_recording(path, identity, verification, references)
            if session_hash is not None:
                _verify_quality(path, session_hash, verification)
        on_progress("hashing sessions", done, len(paths))
    for identity in in_split:
        path = data / identity.file
        if path not in paths:
            verification.add(
                "broken", path,
                CurationError(
                    expected="a recording of the split", found="nothing", where=f"at {path}",
                    fix=Fix.RESTORE_OR_SPLIT_AGAIN,
                ),
            )
    for doubt in data_folder.doubtful_names(data, is_excluded=is_excluded):
        verification.add("unchecked", data_folder.sessions_dir(data), doubt)
    for folder in sorted(data_folder.sessions_dir(data).glob("*")):
        if folder.is_dir():
            try:
                read_subject(data, folder.name)
            except AcqError as error:
                verification.add("broken", folder, error)


def _verify_recording(
    path: Path, identity: SessionIdentity | None, verification: Verification,
    references: References,
) -> str | None:
    """Compare a recording with its identity in the split; return its hash, None if unreadable."""
    is_excluded = references.exclusions.is_excluded(path.stem)
    try:
        with Session(path) as session:
            session_hash, is_complete = session.content_hash(), session.complete
            session_id = session.session_id
    except (AcqError, OSError) as error:
        # an excluded recording may be damaged: nothing uses it
        verification.add("unchecked" if is_excluded else "broken", path, error)
        return None
    if not is_excluded or session_id not in references.session_hashes:
        references.session_hashes[session_id] = session_hash     # not that of an excluded copy
    verification.checked.update(sessions=1, bytes=path.stat().st_size)
    if not is_complete:
        verification.checked.update(incomplete=1)
    if references.split is None:
        verification.add("unchecked", path, CurationError(f"no hash of {path} is known"))
    elif identity is None:
        if not is_excluded:
            error = SplitError(f"{path} is not in the split", fix=Fix.SPLIT_AGAIN)
            verification.add("stale", path, error)
    elif identity.hash != session_hash:
        error = CurationError(
            expected="the recording that the split was made from", found="another",
            where=f"at {path}", fix=Fix.RESTORE_OR_SPLIT_AGAIN,
        )
        verification.add("broken", path, error)
    elif is_excluded:
        error = SplitError(f"{path} is in the split, but excluded", fix=Fix.SPLIT_AGAIN)
        verification.add("stale", path, error)
    return session_hash


def _verify_quality(path: Path, session_hash: str, verification: Verification) -> None:
    """Read the grade of a recording and the curves behind it."""
    place = data_folder.quality_file(path)
    try:
        quality = read_quality(path)
    except CurationError as error:
        verification.add("broken", place, error)
        return
    if quality is None:
        return
    verification.checked.update(qualities=1)
    if quality.session_hash != session_hash:
        error = CurationError(
            f"{place} is of an earlier state of the recording", fix=Fix.GRADE_AGAIN
        )
        verification.add("stale", place, error)
    try:
        read_curves(path, quality.session_hash)
    except CurationError as error:
        verification.add("broken", data_folder.quality_curves_file(path), error)
