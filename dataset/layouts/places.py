"""Where the labels and the pictures of a recording lie, in each layout that is exported.

PURE is found in three forms. `pure` is the published one. `pure-flat` has no second folder of the
same name; `pure-outside` has the JSON beside the folder, and only pictures in it.
"""

from pathlib import Path

from .ubfc import LABELS, VIDEO

UBFC, PURE, PURE_FLAT, PURE_OUTSIDE = "ubfc", "pure", "pure-flat", "pure-outside"
LAYOUTS = (UBFC, PURE, PURE_FLAT, PURE_OUTSIDE)


def labels_file(folder: Path, layout: str) -> Path:
    """Return the file of labels of a recording.

    Parameters
    ----------
    folder : of the recording, such as `subject1` or `01-02`
    layout : one of `LAYOUTS`
    """
    if layout == UBFC:
        return folder / LABELS
    return (folder.parent if layout == PURE_OUTSIDE else folder) / f"{folder.name}.json"


def pictures_place(folder: Path, layout: str) -> Path:
    """Return the video of a recording, or the folder that holds its pictures."""
    if layout == UBFC:
        return folder / VIDEO
    return folder / folder.name if layout == PURE else folder
