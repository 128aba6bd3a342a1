"""One pass over a session's pictures: brightness, colour and place of the face, repeated frames.

Each frame is decoded once and left as it is stored: means of its planes are all that is kept, 156
numbers a frame. The face is looked for once a second. The box that colours are averaged over is
held, as curation holds it; it is moved only where the face has left it by a quarter of its width.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import cv2
import numpy as np

from dataset.common.ahead import read_ahead
from dataset.face.box import FaceBox
from dataset.face.quick_look import spot_face
from dataset.session.frames import Frames
from dataset.session.reader import Session

LOOK_EVERY_S = 1.0
GRID = (8, 6)                      # cells across and down in which brightness is kept
PATCHES = (6, 6)                   # of the face, across and down
_LEFT_BY = 0.25                    # of the face's width: then the box is moved
_MARGIN = 1 / 8                    # of the box is left out on each side: hair, ears, the room


@dataclass(frozen=True)
class Pictures:
    """What the pictures of a session show; N frames, L looks for a face."""

    cells: np.ndarray              # (N, 48) float32, luma of the picture's cells, 0 to 255
    # (N, 36, 3) float32, mean colours of the face's patches, 0 to 255; NaN before a face was seen
    patches: np.ndarray
    repeats: np.ndarray            # (N,) bool: equal to the frame before, to the last bit
    look: np.ndarray               # (L,) number of the frame that was looked at
    # (L, 3) centre across and down, width, as fractions of the picture's sides; NaN: none seen
    face: np.ndarray

    @property
    def rgb(self) -> np.ndarray:
        """(N, 3) mean colour of the face, 0 to 255; NaN before one was seen."""
        return self.patches.mean(axis=1, dtype=float)

    @property
    def luma(self) -> np.ndarray:
        """(N,) brightness of the face, 0 to 255."""
        return self.rgb @ np.array([0.299, 0.587, 0.114])


def scan_frames(session: Session) -> Pictures:
    """Decode every frame once.

    Raises
    ------
    SessionError : a frame cannot be read
    """
    frames = session.frames
    stored = zip(map(frames.raw, range(len(frames))), session.frame_time_ns.tolist(), strict=True)
    with read_ahead(stored) as ahead:
        return _scan(frames, ahead)


def _scan(frames: Frames, ahead: Iterator[tuple[np.ndarray, int]]) -> Pictures:
    """Measure every frame of a session, as it is stored, with its time [ns]."""
    count = len(frames)
    cells = np.empty((count, GRID[0] * GRID[1]), np.float32)
    patches = np.full((count, PATCHES[0] * PATCHES[1], 3), np.nan, np.float32)
    repeats = np.zeros(count, bool)
    looks: list[int] = []
    faces: list[tuple[float, float, float]] = []
    held: FaceBox | None = None
    due_ns, before = -(2**62), None
    for at, (stored, time_ns) in enumerate(ahead):
        grey = (
            stored[: frames.height]
            if frames.pixel_format == "I420"
            else cv2.cvtColor(stored, cv2.COLOR_RGB2GRAY)
        )
        cells[at] = _cell_means(grey, GRID).ravel()
        # one row tells nearly all frames apart
        repeats[at] = (
            before is not None and np.array_equal(stored[0], before[0])
            and np.array_equal(stored, before)
        )
        before = stored
        if time_ns >= due_ns:
            due_ns = time_ns + round(LOOK_EVERY_S * 1e9)
            box = spot_face(grey)
            looks.append(at)
            faces.append(_relative_place(box, frames.width, frames.height))
            if box is not None and (held is None or _has_left(box, held)):
                held = box
        if held is not None:
            patches[at] = patch_colours(stored, held, frames.pixel_format, frames.height)
    return Pictures(cells, patches, repeats, np.array(looks, int), np.array(faces).reshape(-1, 3))


def patch_colours(stored: np.ndarray, box: FaceBox, pixel_format: str, height: int) -> np.ndarray:
    """Return the mean colour of each patch of the box's inner part, (P, 3) red, green, blue.

    Means of Y, U and V become means of colours: the conversion is linear.
    """
    inset_x = round(_MARGIN * (box.right - box.left))
    inset_y = round(_MARGIN * (box.bottom - box.top))
    top, bottom, left, right = (
        at // 2 * 2
        for at in (box.top + inset_y, box.bottom - inset_y, box.left + inset_x, box.right - inset_x)
    )
    means = _cell_means(stored[top:bottom, left:right], PATCHES)
    if pixel_format != "I420":
        return np.maximum(means.reshape(-1, 3), 0.01)
    width = stored.shape[1]
    chroma = stored[height:].reshape(2, height // 2, width // 2)
    # ITU-R BT.601, limited range
    light = 255 / 219 * (means.ravel() - 16)
    u, v = (
        _cell_means(plane[top // 2 : bottom // 2, left // 2 : right // 2], PATCHES).ravel() - 128
        for plane in chroma
    )
    return np.clip(
        np.stack([light + 1.596 * v, light - 0.392 * u - 0.813 * v, light + 2.017 * u], axis=1),
        0.01, 255.0,
    )


def _cell_means(plane: np.ndarray, grid: tuple[int, int]) -> np.ndarray:
    """Average the cells of a grid, to fractions of a grey level."""
    return cv2.resize(plane.astype(np.float32), grid, interpolation=cv2.INTER_AREA)


def _relative_place(box: FaceBox | None, width: int, height: int) -> tuple[float, float, float]:
    if box is None:
        return (np.nan, np.nan, np.nan)
    return (
        (box.left + box.right) / 2 / width, (box.top + box.bottom) / 2 / height,
        (box.right - box.left) / width,
    )


def _has_left(box: FaceBox, held: FaceBox) -> bool:
    across = abs((box.left + box.right) - (held.left + held.right)) / 2
    down = abs((box.top + box.bottom) - (held.top + held.bottom)) / 2
    return max(across, down) > _LEFT_BY * (held.right - held.left)
