"""How a face moves in its box: a face that moves regularly looks as if it had that pulse.

A box is held while the face in it sways and nods. Each part of the frame becomes lighter and darker
as edges move over it, more than with a pulse, and all methods may agree on the rate of that.

The way from one frame to the next is the shift that explains best what has changed (Lucas and
Kanade, "An Iterative Image Registration Technique with an Application to Stereo Vision", IJCAI
1981, without the iteration: shifts are parts of a cell), beside another light on all of the face:
a pulse is that, nearly.
"""

import numpy as np

from dataset.signals.windows import even_grid, to_even_grid

_BORDER = 5                 # cells at each side of the frame that are left out: background, mostly
_AT_ONCE = 256              # frames
# Nods and sways made on purpose stood out 58 to 200 times above their sides, with 0.17 cells and
# more; the head of the man who keeps still moves with his heart by 0.009 cells, 5 times as much as
# beside that. A face is 22 cells wide, or 150 mm.
_LEAST_CELLS, _STANDS_OUT = 0.1, 8.0
# a line of ten seconds is 12 bpm wide to each side; its highest point is the rate to 4 bpm
_AT_BPM, _WIDE_BPM, _BESIDE_BPM, _STEP_BPM = 4.0, 12.0, 36.0, 1.0


def face_shifts(frames: np.ndarray) -> np.ndarray:
    """Return how far the face has moved since the frame before, (T - 1, 2) cells: right, down.

    Parameters
    ----------
    frames : (T, 36, 36, 3) of `dataset.face.frames.average_face`, all of one box
    """
    shifts = [
        _shifts(frames[first : first + _AT_ONCE + 1])
        for first in range(0, len(frames) - 1, _AT_ONCE)
    ]
    return np.concatenate(shifts) if shifts else np.empty((0, 2))


def _shifts(frames: np.ndarray) -> np.ndarray:
    grey = frames.mean(axis=3, dtype=np.float32)
    middle = (grey[1:] + grey[:-1]) / 2
    inside = slice(_BORDER, -_BORDER)
    down, right = np.gradient(middle, axis=(1, 2))
    columns = [-right, -down, middle, np.ones_like(middle)]
    known = np.stack([column[:, inside, inside] for column in columns], axis=-1)
    known = known.reshape(len(middle), -1, len(columns))
    changed = (grey[1:] - grey[:-1])[:, inside, inside].reshape(len(middle), -1, 1)
    square = known.transpose(0, 2, 1) @ known
    # of a frame of one colour no shift is known: 0
    square += 1e-6 * np.eye(len(columns)) * (1 + np.trace(square, axis1=1, axis2=2)[:, None, None])
    return np.linalg.solve(square, known.transpose(0, 2, 1) @ changed)[:, :2, 0]


def moves_at(bpm: float, shifts: np.ndarray, time_s: np.ndarray) -> bool:
    """Return whether the face goes to and fro at a rate, and at no other nearly as much.

    Parameters
    ----------
    shifts : (T, 2) cells, of each frame since the one before
    time_s : (T,) of the frames
    """
    way = to_even_grid(np.cumsum(shifts, axis=0), time_s)
    at_s = np.arange(len(way)) / even_grid(time_s)[1]
    way = way - np.polynomial.polynomial.polyval(
        at_s, np.polynomial.polynomial.polyfit(at_s, way, 2)
    ).T
    taper = np.hanning(len(way) + 2)[1:-1]
    asked = bpm + np.arange(-_BESIDE_BPM, _BESIDE_BPM + _STEP_BPM, _STEP_BPM)
    asked = asked[asked > _STEP_BPM]
    waves = np.exp(-2j * np.pi * np.outer(asked / 60, at_s))
    cells = (2 * np.abs(waves @ (taper[:, None] * way)) / taper.sum()).max(axis=1)
    off_bpm = np.abs(asked - bpm)
    there, line = cells[off_bpm <= _AT_BPM].max(), cells[off_bpm <= _WIDE_BPM].max()
    beside = np.median(cells[off_bpm > _WIDE_BPM])
    return bool(there == line and there >= max(_LEAST_CELLS, _STANDS_OUT * beside))
