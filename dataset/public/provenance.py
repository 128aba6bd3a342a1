"""Whose a published folder is, and whether it is simulated: acq's own exports say both.

Published sets number their people. An export of acq in the same layout numbers its sessions
(UBFC-rPPG), and may be of virtual subjects: its manifest says whose each folder is, and the files
of simulated sessions carry a mark.
"""

from dataclasses import dataclass
from pathlib import Path

from acquire.camera.video_mark import is_marked_video
from dataset.layouts.marks import is_marked_pure
from dataset.layouts.origin import Origin, find_origin
from dataset.layouts.ubfc import VIDEO

from .folders import find_file, innermost
from .readers.pure import label_file, picture_files
from .readers.ubfc_rppg import DUMP, dataset_2_files

_EXPORTED = ("ubfc1", "ubfc2", "pure")       # sets in whose layout acq exports, or reads an export


@dataclass(frozen=True)
class Provenance:
    """What is known of a folder before it is read."""

    subject: str | None      # pseudonym that acq exported it under; None: no export of acq
    simulated: bool
    origin: Origin | None = None


def find_provenance(set_key: str, folder: Path) -> Provenance:
    """Find whose a folder of a set is, and whether it is simulated.

    Parameters
    ----------
    set_key : of `dataset.public.sets.SETS`

    Raises
    ------
    CurationError : it lies in an export of acq whose manifest cannot be read
    """
    if set_key not in _EXPORTED:
        return Provenance(None, False)
    if set_key == "pure":
        labels = label_file(folder)
        is_marked = is_marked_pure(labels, picture_files(folder))
    else:
        inner = innermost(folder)
        labels, video = (
            dataset_2_files(folder) if set_key == "ubfc2"
            else (find_file(inner, DUMP), find_file(inner, VIDEO))
        )
        is_marked = is_marked_video(video)
    origin = find_origin(folder, labels)
    return Provenance(
        origin.subject if origin else None, is_marked or bool(origin and origin.simulated), origin
    )
