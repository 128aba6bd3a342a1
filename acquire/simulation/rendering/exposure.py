"""The exposure of one frame: the person over the room, lit, with the noise of the image sensor."""

from dataclasses import dataclass

import cv2
import numpy as np

from .face import HEIGHT, WIDTH, Box, FaceLayers
from .room import make_room

_SHIFT_PX = 96                 # by how much the noise tile may be shifted from frame to frame
_HALF = (WIDTH // 2, HEIGHT // 2)   # size of the chroma planes


@dataclass(frozen=True)
class ImageSensor:
    """The noise of an image sensor."""

    full_well_electrons: float     # per output pixel
    read_noise_electrons: float    # RMS
    gamma: float = 2.2

    def noise(self, luma: np.ndarray) -> np.ndarray:
        """Return the RMS noise [grey levels] at a luma of 0 to 219."""
        level = np.clip(luma / 219.0, 0.02, 1.0)
        light = level**self.gamma
        rms = np.sqrt(
            light / self.full_well_electrons
            + (self.read_noise_electrons / self.full_well_electrons) ** 2
        )
        return (219.0 * rms * level / light / self.gamma).astype(np.float32)


class _SensorNoise:
    """Noise as loud as the picture's light makes it, cut from tiles that are shifted every frame.
    """

    def __init__(
        self, rng: np.random.Generator, sensor: ImageSensor, room_luma: np.ndarray,
        layers: FaceLayers,
    ) -> None:
        box, luma = layers.box, room_luma.copy()
        person = layers.person[: box.height]
        covered = luma[box.top : box.top + box.height, box.left : box.left + box.width]
        covered[:] = covered * (1 - person[..., 3]) + person[..., 0]
        self._rms = sensor.noise(cv2.GaussianBlur(luma, (0, 0), 4.0))
        self._rms_half = 0.55 * cv2.resize(self._rms, _HALF, interpolation=cv2.INTER_AREA)
        self._tile = _noise_tile(rng, HEIGHT, WIDTH, 0.45)
        self._tiles_half = [_noise_tile(rng, HEIGHT // 2, WIDTH // 2, 0.6) for _ in range(2)]
        self._seed = int(rng.integers(2**31))

    def shifts(self, frame_number: int) -> tuple[int, int, int, int]:
        """Draw the shifts of a frame's tiles: down and right in luma, down and right in chroma."""
        rng = np.random.default_rng((self._seed, frame_number))
        down, right, half_down, half_right = rng.integers(0, _SHIFT_PX, 4).tolist()
        return down, right, half_down, half_right

    def luma(self, down: int, right: int, *, out: np.ndarray) -> np.ndarray:
        """Write the noise of Y to `out`."""
        tile = self._tile[down : down + HEIGHT, right : right + WIDTH]
        return np.multiply(tile, self._rms, out=out)

    def chroma(self, channel: int, down: int, right: int, *, out: np.ndarray) -> np.ndarray:
        """Write the noise of U (channel 1) or V (2) to `out`."""
        tile = self._tiles_half[channel - 1]
        tile = tile[down : down + HEIGHT // 2, right : right + WIDTH // 2]
        return np.multiply(tile, self._rms_half, out=out)


class Exposure:
    """One room and one sensor; makes I420 pictures. Not for two threads at once."""

    def __init__(self, rng: np.random.Generator, sensor: ImageSensor, layers: FaceLayers) -> None:
        room = make_room(rng)
        self._room = np.ascontiguousarray(room[..., 0])
        half = cv2.resize(room, _HALF, interpolation=cv2.INTER_AREA)
        self._room_half = [np.ascontiguousarray(half[..., channel]) for channel in range(3)]
        self._noise = _SensorNoise(rng, sensor, self._room, layers)
        self._box = layers.box
        self._make_buffers(layers.box)

    def _make_buffers(self, box: Box) -> None:
        """Make the work buffers: to allocate them anew would cost a third of a frame's time."""
        self._person_half = np.empty((box.height // 2, box.width // 2, 4), np.float32)
        self._layers = [np.empty((box.height, box.width), np.float32) for _ in range(2)]
        self._layers_half = [np.empty((box.height // 2, box.width // 2), np.float32)
                             for _ in range(4)]
        self._full = [np.empty((HEIGHT, WIDTH), np.float32) for _ in range(3)]
        self._half = [np.empty((HEIGHT // 2, WIDTH // 2), np.float32) for _ in range(4)]

    def expose(
        self, person: np.ndarray, light: np.ndarray, warmth: float, frame_number: int
    ) -> np.ndarray:
        """Lay the person over the room, light both, add noise, round: (540, 640) uint8 I420.

        Parameters
        ----------
        person : (H, W, 4) over the box
        light : relative, over a coarse grid of the picture
        warmth : of the white balance, relative
        frame_number : picks the noise
        """
        picture = np.empty((HEIGHT * 3 // 2, WIDTH), dtype=np.uint8)
        down, right, half_down, half_right = self._noise.shifts(frame_number)
        self._expose_luma(picture, person, light, (down, right))
        self._expose_chroma(picture, person, light, warmth, (half_down, half_right))
        return picture

    def _expose_luma(
        self, picture: np.ndarray, person: np.ndarray, light: np.ndarray, shift: tuple[int, int]
    ) -> None:
        box = self._box
        luma, noise, lit = self._full
        cover, alpha = (
            cv2.extractChannel(person, channel, dst=layer)
            for channel, layer in zip((0, 3), self._layers, strict=True)
        )
        np.copyto(luma, self._room)
        clear = np.subtract(1.0, alpha, out=alpha)
        area = luma[box.top : box.top + box.height, box.left : box.left + box.width]
        _lay_over(cover, clear, area)
        cv2.resize(light, (WIDTH, HEIGHT), dst=lit, interpolation=cv2.INTER_LINEAR)
        cv2.multiply(luma, lit, dst=luma)
        self._noise.luma(*shift, out=noise)
        cv2.addWeighted(luma, 1.0, noise, 1.0, 16.0, dst=picture[:HEIGHT], dtype=cv2.CV_8U)

    def _expose_chroma(
        self, picture: np.ndarray, person: np.ndarray, light: np.ndarray, warmth: float,
        shift: tuple[int, int],
    ) -> None:
        box = self._box
        half_size = (box.width // 2, box.height // 2)
        person_half = cv2.resize(
            person, half_size, dst=self._person_half, interpolation=cv2.INTER_AREA
        )
        covers = cv2.split(person_half, self._layers_half)
        area = (
            slice(box.top // 2, (box.top + box.height) // 2),
            slice(box.left // 2, (box.left + box.width) // 2),
        )
        luma, chroma, noise, lit = self._half
        cv2.resize(light, _HALF, dst=lit, interpolation=cv2.INTER_LINEAR)
        clear = np.subtract(1.0, covers[3], out=covers[3])
        np.copyto(luma, self._room_half[0])
        _lay_over(covers[0], clear, luma[area])
        # A warmer white balance: more red, less blue, of what is nearly grey.
        for channel, turn in ((1, -0.684 * warmth), (2, 0.595 * warmth)):
            np.copyto(chroma, self._room_half[channel])
            _lay_over(covers[channel], clear, chroma[area])
            cv2.scaleAdd(luma, turn, chroma, dst=chroma)
            cv2.multiply(chroma, lit, dst=chroma)
            self._noise.chroma(channel, *shift, out=noise)
            rows = HEIGHT + (channel - 1) * HEIGHT // 4
            plane = picture[rows : rows + HEIGHT // 4].reshape(HEIGHT // 2, WIDTH // 2)
            cv2.addWeighted(chroma, 1.0, noise, 1.0, 128.0, dst=plane, dtype=cv2.CV_8U)


def _lay_over(person: np.ndarray, clear: np.ndarray, room: np.ndarray) -> None:
    """Lay one plane of the person, multiplied by alpha, over the room, in place.

    `clear` is 1 - alpha.
    """
    room *= clear
    room += person


def _noise_tile(rng: np.random.Generator, rows: int, columns: int, blur_px: float) -> np.ndarray:
    """Draw noise of RMS 1, larger than a frame; neighbours share some of it, as after demosaicing.
    """
    tile = cv2.GaussianBlur(
        rng.standard_normal((rows + _SHIFT_PX, columns + _SHIFT_PX), dtype=np.float32), (0, 0),
        blur_px,
    )
    return tile / tile.std()
