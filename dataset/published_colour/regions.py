"""The mean colour of the parts of a face that published methods read.

They are read from the averaged frames of `dataset.face.frames`, so that no video is decoded twice:
a cell stands for the pixels in it. A skin mask of pixels would follow the outline more finely; a
cell on the outline is the mean of skin and background, and is skin where that mean is.
"""

import numpy as np

from dataset.face.box import ENLARGE, FaceBox, detector_box
from dataset.face.frames import UNIT

CENTRE, FOREHEAD, SKIN = "centre", "forehead", "skin"
REGIONS = (CENTRE, FOREHEAD, SKIN)
# left, right, top, bottom as parts of the detector's own box. The centre is Poh's: 60 % of the
# width, all of the height. The forehead is above the brows, which lie at about 0.28 of the height,
# without the temples and without the top, where hair may be.
_PARTS = {CENTRE: (0.2, 0.8, 0.0, 1.0), FOREHEAD: (0.2, 0.8, 0.1, 0.28), SKIN: (0.0, 1.0, 0.0, 1.0)}
# Chai and Ngan, "Face segmentation using skin-color map in videophone applications", IEEE TCSVT
# 9(4), 1999. Light that is far from white moves skin out of these bounds: then there is none.
SKIN_CB, SKIN_CR = (77.0, 127.0), (133.0, 173.0)
_BLOCK = 256                            # frames that are worked on at once


def region_colours(
    frames: np.ndarray, box: FaceBox, *, factor: float = ENLARGE
) -> np.ndarray:
    """Return the mean colour of each of `REGIONS`, (T, 3, 3) float64: frames, regions, RGB, 0-255.

    NaN where a frame shows no skin, or a region is outside the picture.

    Parameters
    ----------
    frames : (T, 36, 36, 3) of `dataset.face.frames.average_face`
    box : that they are averaged in: the detector's own, enlarged by `factor`. Cells that a region
        covers in part count in part
    """
    own = detector_box(box, factor)
    height, width = frames.shape[1:3]
    shares = np.array([
        np.multiply.outer(
            _share(own.top - box.top, own.height, top, bottom, box.height, height),
            _share(own.left - box.left, own.width, left, right, box.width, width),
        )
        for left, right, top, bottom in _PARTS.values()
    ], np.float32)                                              # regions, rows, columns
    rows, columns = (np.flatnonzero(shares.any(axis=axes)) for axes in ((0, 2), (0, 1)))
    high, wide = (slice(at[0], at[-1] + 1) for at in (rows, columns))
    shares = shares[:, high, wide]
    colours = [
        _mean_colours(frames[first : first + _BLOCK, high, wide], shares)
        for first in range(0, len(frames), _BLOCK)
    ]
    return np.concatenate([*colours, np.empty((0, len(REGIONS), 3))])


def _mean_colours(frames: np.ndarray, shares: np.ndarray) -> np.ndarray:
    """Return the mean colours of some frames, (N, H, W, 3) and (3, H, W) to (N, 3, 3)."""
    rgb = frames.astype(np.float32) / UNIT
    is_seen = rgb.any(axis=3)
    is_skin = is_seen & _is_skin(rgb)
    cells = rgb.reshape(len(rgb), -1, 3).astype(np.float64)
    colours = np.full((len(rgb), len(REGIONS), 3), np.nan)
    for at, region in enumerate(REGIONS):
        weights = (shares[at] * (is_skin if region == SKIN else is_seen)).reshape(len(rgb), 1, -1)
        total = weights.sum(axis=2, dtype=np.float64)
        np.divide((weights @ cells)[:, 0], total, out=colours[:, at], where=total > 0)
    return colours


def _share(
    start: float, own_length: float, begin: float, end: float, whole: float, cells: int
) -> np.ndarray:
    """Return how much of each cell lies within a part of the own box along one side, 0 to 1."""
    edges = np.arange(cells + 1) * (whole / cells)
    first, last = start + begin * own_length, start + end * own_length
    inside = np.minimum(edges[1:], last) - np.maximum(edges[:-1], first)
    return np.maximum(inside, 0) * (cells / whole)


def _is_skin(rgb: np.ndarray) -> np.ndarray:
    """Return which cells have the colour of skin, (..., 3) in 0-255 to (...) bool.

    Cb and Cr are those of ITU-R BT.601, full range.
    """
    red, green, blue = np.moveaxis(rgb, -1, 0)
    cb = 128 - 0.168736 * red - 0.331264 * green + 0.5 * blue
    cr = 128 + 0.5 * red - 0.418688 * green - 0.081312 * blue
    return (
        (cb >= SKIN_CB[0]) & (cb <= SKIN_CB[1]) & (cr >= SKIN_CR[0]) & (cr <= SKIN_CR[1])
    )
