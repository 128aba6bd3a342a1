"""The recordings of a data folder as one BIDS data set, `data/bids`.

Every recording that is not excluded is there, whatever the split. BIDS 1.11.1 has a name for the
finger (`_physio`) and none yet for a video; so the video and the times of its frames lie beside it
as `_video.avi` and `_video.tsv`, the names that the next version is to have, and `.bidsignore`
lists them. What a curator cut out is in neither: its samples are rows `n/a`, its frames are left
out, and the times show that.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np

from acquire import data_folder
from acquire.atomic import atomic_folder
from acquire.errors import CurationError, Fix
from acquire.writing import PURE as LOCK
from acquire.writing import holding
from dataset.common.files import hash_of_content, sha256_of
from dataset.common.progress import OnProgress
from dataset.common.spans import is_inside
from dataset.layouts.avi import VideoWriter, check_video
from dataset.layouts.bids_description import DESCRIPTION, FILES, OWN_HASH, as_excluded
from dataset.selection.exclusions import Exclusions
from dataset.selection.exclusions_file import read_exclusions
from dataset.session.find import files_by_id
from dataset.session.reader import Session

from .names import check_labels, label, session_label, stem
from .physio import write_physio

BIDS_VERSION = "1.11.1"
_IGNORED = "*_video.avi\n*_video.tsv\n"
_README = """# Face video and finger PPG

Recorded with acq. In each session's folder `beh/` lie the finger (`_physio.tsv.gz` and
`_physio.json`), the video (`_video.avi`, lossless) and the times of its frames (`_video.tsv`, in
seconds after the light of the first frame, as `StartTime` and the column `timestamp` of the finger
are). An AVI has one constant rate: use the times. BIDS {version} has no names for a video yet, so
`.bidsignore` lists these.
"""
_SIMULATED = "\n**SIMULATED: a part of these data, or all, shows virtual subjects, not people.**\n"


@dataclass(frozen=True)
class BidsExport:
    """What `export_bids` wrote."""

    root: Path
    sessions: Mapping[str, Path]        # by session: the folder that it lies in, under the root


@holding(LOCK, lambda data: (data_folder.bids_dir(data),))
def export_bids(
    data: Path, *, codec: str = "ffv1", force: bool = False, on_progress: OnProgress | None = None
) -> BidsExport:
    """Write every recording of a data folder that is not excluded, whole or not at all.

    Parameters
    ----------
    codec : of the video, one of `dataset.layouts.avi.CODECS`

    Raises
    ------
    CurationError : there is an export already and `force` is not set; no recording; subjects that
        BIDS takes for one; samples without an even grid; a video that decodes to other pixels
    SessionError : a recording cannot be read
    """
    root = data_folder.bids_dir(data)
    if root.exists() and not force:
        raise CurationError(expected="no export yet", found=root, fix=Fix.REPLACE)
    if root.exists() and not (root / DESCRIPTION).is_file():
        raise CurationError(
            expected="a BIDS data set to replace", found=f"no {DESCRIPTION}", where=root,
            fix="move it away",
        )
    excluded = read_exclusions(data)
    files = {
        session: paths[0]
        for session, paths in sorted(files_by_id(data_folder.session_files(data)).items())
        if not excluded.is_excluded(session)
    }
    if not files:
        raise CurationError(expected="recordings", found="none", where=data, fix=Fix.RECORD)
    check_labels(path.parent.name for path in files.values())
    sessions: dict[str, Path] = {}
    subjects, simulated = set(), False
    with atomic_folder(root) as part:
        for count, (name, path) in enumerate(files.items(), start=1):
            with Session(path) as session:
                sessions[name] = _write_session(session, part, excluded, codec)
                subjects.add(label(session.subject))
                simulated |= session.simulated
            if on_progress:
                on_progress("writing sessions", count, len(files))
        cut = {
            name: [(one.from_s, one.to_s) for one in excluded.of(name)] for name in sessions
        }
        _write_top(part, subjects, as_excluded(cut), is_simulated=simulated)
    return BidsExport(root, {name: root / folder for name, folder in sessions.items()})


def _write_session(session: Session, part: Path, excluded: Exclusions, codec: str) -> Path:
    subject = label(session.subject)
    named = session_label(session.session_id, session.subject)
    folder = Path(f"sub-{subject}") / f"ses-{named}" / "beh"
    start = part / folder / stem(subject, named)
    if start.parent.exists():
        raise CurationError(
            expected="sessions that differ in letters or digits", found=f"two of {folder.parent}",
            fix=Fix.REMOVE_OR_EXCLUDE, of=session.session_id,
        )
    if not len(session.frame_time_ns):
        raise CurationError(
            expected="frames", found="none", where=session.path, fix=Fix.EXCLUDE,
            of=session.session_id,
        )
    start.parent.mkdir(parents=True)
    spans_ns = [
        (session.started_monotonic_ns + 1e9 * first, session.started_monotonic_ns + 1e9 * last)
        for first, last in excluded.spans_s(session.session_id)
    ]
    write_physio(session, start, is_inside(session.ppg_time_ns, spans_ns))
    kept = np.flatnonzero(~is_inside(session.frame_light_ns, spans_ns))
    _write_video(session, start, kept, codec)
    return folder


def _write_video(session: Session, start: Path, kept: np.ndarray, codec: str) -> None:
    """Write the frames that are kept, and their times; decode the video again and compare."""
    frames, times_s = session.frames, session.frame_light_ns - int(session.frame_light_ns[0])
    bgr = np.empty((frames.height, frames.width, 3), np.uint8)
    path = start.with_name(f"{start.name}_video.avi")
    with VideoWriter(
        path, codec=codec, width=frames.width, height=frames.height, fps=session.fps or 1.0,
        simulated=session.simulated,
    ) as video:
        for index in kept.tolist():
            frames.read_into(index, bgr, bgr=True)
            video.add(bgr)
    check_video(path, video.pixels)
    rows = [f"{i}\t{times_s[at] / 1e9:.6f}\n" for i, at in enumerate(kept.tolist())]
    start.with_name(f"{start.name}_video.tsv").write_text("frame\ttime\n" + "".join(rows))


def _write_top(
    root: Path, subjects: set[str], excluded: dict[str, Any], *, is_simulated: bool
) -> None:
    readme = _README.format(version=BIDS_VERSION) + (_SIMULATED if is_simulated else "")
    (root / "README.md").write_text(readme)
    (root / ".bidsignore").write_text(_IGNORED)
    people = "".join(f"sub-{subject}\n" for subject in sorted(subjects))
    (root / "participants.tsv").write_text("participant_id\n" + people)
    files = sorted(path for path in root.rglob("*") if path.is_file())
    about: dict[str, Any] = {
        "Name": "Face video and finger PPG" + (" (SIMULATED)" if is_simulated else ""),
        "BIDSVersion": BIDS_VERSION,
        "DatasetType": "raw",
        "GeneratedBy": [{"Name": "acq", "Version": version("acq")}],
        **excluded,
        FILES: {path.relative_to(root).as_posix(): sha256_of(path) for path in files},
    }
    about[OWN_HASH] = hash_of_content(about, OWN_HASH)
    (root / DESCRIPTION).write_text(json.dumps(about, indent=2) + "\n")
