"""Verify a data folder: compute every hash that acq keeps, and compare it with what was written.

Files are read in blocks and videos frame by frame, so the memory needed does not grow with the
data.
"""

from pathlib import Path

from acquire import data_folder
from acquire.errors import CurationError, Fix
from dataset.common.progress import OnProgress
from dataset.layouts.manifest import MANIFEST

from .bids import verify_bids
from .card import verify_card
from .exports import verify_exports
from .face_frames import verify_face_frames
from .folders import verify_curated_folders
from .lists import verify_lists
from .result import References, Verification
from .sessions import verify_sessions
from .training_runs import verify_training_runs


def verify_data(data: Path, *, on_progress: OnProgress | None = None) -> Verification:
    """Verify everything under a data folder, and change nothing.

    Raises
    ------
    CurationError : there is neither a recording nor a curated folder
    """
    if not data_folder.session_files(data) and not (data_folder.ubfc_dir(data) / MANIFEST).exists():
        raise CurationError(
            expected="recordings or curated folders", found="neither", where=data,
            fix=Fix.CHOOSE_DATA_FOLDER,
        )
    verification, references = Verification(), References()
    progress = on_progress or (lambda *_: None)
    verify_lists(data, verification, references)
    verify_sessions(data, verification, references, progress)
    verify_curated_folders(data, verification, references, progress)
    verify_exports(data, verification, references)
    verify_bids(data, verification, references)
    verify_face_frames(data, verification, references)
    verify_training_runs(data, verification, references)
    verify_card(data, verification, references)
    return verification
