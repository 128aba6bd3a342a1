"""The room behind the subject, and the light in it."""

import cv2
import numpy as np

from acquire.simulation.motion import Scene

from .face import HEIGHT, TO_YUV, WIDTH

READOUT_S = 0.018              # rolling shutter, first row to last: flicker falls in bands
_CELL_PX = 20                  # of the light's grid


class RoomLight:
    """The light over the picture, computed on a coarse grid; one side of the room is brighter."""

    def __init__(self, rng: np.random.Generator, *, side_light: float = 0.35) -> None:
        """Draw the lamp; `side_light` is how much brighter its side of the room is."""
        # towards the lamp: right, down, out of the picture
        self.lamp = (rng.uniform(-0.5, 0.5), rng.uniform(-0.5, -0.1), 0.8)
        rows, columns = HEIGHT // _CELL_PX, WIDTH // _CELL_PX
        y, x = np.mgrid[0:rows, 0:columns].astype(np.float32)
        self._x = (x + 0.5) / columns - 0.5
        self._y = (y + 0.5) / rows - 0.5
        self._steady = 1.0 + (
            self.lamp[0] * side_light * self._x + rng.uniform(-0.15, 0.0) * self._y
        )
        # when the rows of the grid are exposed, after the first row of the picture [s]
        self.row_delays_s = (np.arange(rows) + 0.5) / rows * READOUT_S

    def at(self, scene: Scene, flicker: np.ndarray) -> np.ndarray:
        """Return the relative light, float32 over the grid.

        Parameters
        ----------
        flicker : (rows of the grid,) relative light of the lamps when each row is exposed
        """
        return self._steady * (
            1.0
            + scene.gain
            + scene.slope_x * self._x
            + scene.slope_y * self._y
            + flicker[:, None].astype(np.float32)
        ).astype(np.float32)


def make_room(rng: np.random.Generator) -> np.ndarray:
    """Paint the background, (H, W, 3) Y, U, V: a wall with a gradient and a few blurred things."""
    y, x = np.mgrid[0:HEIGHT, 0:WIDTH].astype(np.float32)
    wall = rng.uniform(90, 190) * (1 + rng.normal(0, 0.03, 3)).astype(np.float32)
    shade = (
        1 + rng.uniform(-0.2, 0.2) * (x / WIDTH - 0.5) + rng.uniform(-0.2, 0.1) * (y / HEIGHT - 0.5)
    )
    room = wall * shade[..., None]
    for _ in range(rng.integers(2, 6)):
        left, top = rng.integers(-60, WIDTH - 40), rng.integers(-40, HEIGHT - 80)
        right, bottom = left + rng.integers(50, 220), top + rng.integers(40, 260)
        colour = rng.uniform(40, 215) * (1 + rng.normal(0, 0.08, 3))
        room = np.ascontiguousarray(room, dtype=np.float32)
        cv2.rectangle(room, (int(left), int(top)), (int(right), int(bottom)), colour.tolist(), -1)
    mottle = cv2.resize(
        rng.normal(0, 2.0, (24, 40, 3)).astype(np.float32), (WIDTH, HEIGHT),
        interpolation=cv2.INTER_CUBIC,
    )
    room = cv2.GaussianBlur(room, (0, 0), 6.0) + mottle
    return (room.clip(5, 250) @ TO_YUV.T).astype(np.float32)
