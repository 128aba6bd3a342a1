"""The virtual subject's stage: lays the face's layers, moved, pulsed and lit, over a room, and
films them. Made for speed.

Everything that happens to the face is linear in precomputed layers, everything that moves is one
displacement field made on a coarse grid, so that a frame costs two or three milliseconds of one
core: four cameras then run in real time beside four recorders on two cores.
"""

from dataclasses import dataclass

import cv2
import numpy as np

from .face import BELOW, HEAD_RADII, HEIGHT, WIDTH, Looks, make_layers, make_room
from .motion import Scene

_CELL = 8                      # of the displacement field's grid [px]
_LIGHT_CELL = 20               # of the light's grid [px]
_PAD = 96                      # by how much the noise tile may be shifted [px]
READOUT_S = 0.018             # rolling shutter, first row to last: flicker falls in bands
_SPREAD_S = 0.030              # the pulse reaches the chin this much after the forehead


@dataclass(frozen=True)
class Camera:
    """What the sensor adds."""

    electrons: float           # of full well, per output pixel
    read_electrons: float      # RMS of reading
    gamma: float = 2.2

    def noise(self, luma: np.ndarray) -> np.ndarray:
        """Give the RMS noise in grey levels at a luma of 0 to 219."""
        level = np.clip(luma / 219.0, 0.02, 1.0)
        light = level**self.gamma
        rms = np.sqrt(light / self.electrons + (self.read_electrons / self.electrons) ** 2)
        return (219.0 * rms * level / light / self.gamma).astype(np.float32)


def _smooth(x: np.ndarray, low: float, high: float) -> np.ndarray:
    """Go from 0 at `low` to 1 at `high`."""
    u = np.clip((x - low) / (high - low), 0, 1)
    return u * u * (3 - 2 * u)


class Stage:
    """One subject in one room. Not for two threads at once."""

    def __init__(
        self, looks: Looks, *, pulse_green: float, oily: float, camera: Camera, seed: int
    ) -> None:
        rng = np.random.default_rng(seed)
        self.layers = make_layers(looks, pulse_green=pulse_green)
        self.box = self.layers.box
        self.spread_s = _SPREAD_S
        # towards the lamp: right, down, out
        self._lamp = (rng.uniform(-0.5, 0.5), rng.uniform(-0.5, -0.1), 0.8)
        self._room_light(rng)
        self._make_head(looks, oily)
        self._make_fields(looks)
        self._make_room(rng, camera)

    # -- made once

    def _room_light(self, rng: np.random.Generator) -> None:
        """Lay the grid on which the light is worked out; the lamp's side of the room is brighter.
        """
        rows, columns = HEIGHT // _LIGHT_CELL, WIDTH // _LIGHT_CELL
        y, x = np.mgrid[0:rows, 0:columns].astype(np.float32)
        self._light_x = (x + 0.5) / columns - 0.5
        self._light_y = (y + 0.5) / rows - 0.5
        self._light = 1.0 + (
            self._lamp[0] * 0.35 * self._light_x + rng.uniform(-0.15, 0.0) * self._light_y
        )
        self.row_delays_s = (np.arange(rows) + 0.5) / rows * READOUT_S

    def _make_head(self, looks: Looks, oily: float) -> None:
        """Cut the head's rows and columns out and make the layers that are added to them: pulse,
        shading, shine.
        """
        face = self.layers
        reach = np.hypot(face.x, face.y)
        rows = np.flatnonzero((reach < 1.2).any(axis=1))
        columns = np.flatnonzero((reach < 1.2).any(axis=0))
        self._head = head = (slice(rows[0], rows[-1] + 1), slice(columns[0], columns[-1] + 1))
        x, y = face.x[head], face.y[head]
        rest = np.moveaxis(face.person[head], 2, 0)
        self._rest = [np.ascontiguousarray(plane) for plane in rest]
        # Blood takes light away: what a pulse adds to Y, U, V, where it comes early and where late.
        early = 1 - face.late[head]
        pulse = -np.moveaxis(face.pulse_yuv[head], 2, 0)
        self._pulse = [
            (np.ascontiguousarray(p * early), np.ascontiguousarray(p * (1 - early))) for p in pulse
        ]
        # Normals of a face about as wide as the cheeks; hair and neck turn with it.
        nx, ny = np.clip(x * 1.25, -0.95, 0.95), np.clip(y * 0.85, -0.9, 0.9)
        nz = np.sqrt(np.clip(1 - nx * nx - ny * ny, 0.05, 1))
        turning = 1 - _smooth(reach[head], 0.95, 1.2)
        self._normals = [(n * turning).astype(np.float32) for n in (nx, ny, nz)]
        shine = (cv2.GaussianBlur(face.shine[head], (0, 0), 2.0) * oily).astype(np.float32)
        self._shine = [shine, np.gradient(shine, axis=1), np.gradient(shine, axis=0)]
        self._planes = [plane.copy() for plane in self._rest]
        self._shade = np.empty_like(shine)
        self._face = face.person[head].copy()
        self._work = face.person.copy()
        self._lids = []
        eyes = (face.eyes > 0.02).astype(np.uint8)
        _, _, stats, _ = cv2.connectedComponentsWithStats(eyes)
        for left, top, width, height, area in stats[1:]:
            if area > 20:
                at = (slice(top, top + height), slice(left, left + width))
                change = np.ascontiguousarray((face.closed - face.person)[at])
                self._lids.append((at, np.ascontiguousarray(face.lid[at]), change))

    def _make_fields(self, looks: Looks) -> None:
        """Make the displacement of each movement by one unit, on the coarse grid: where a pixel's
        colour comes from.
        """
        face, box = self.layers, self.box
        rows, columns = (box.height + _CELL - 1) // _CELL, (box.width + _CELL - 1) // _CELL
        self._grid = (columns * _CELL, rows * _CELL)
        y, x = np.mgrid[0:rows, 0:columns].astype(np.float32) * _CELL + (_CELL - 1) / 2
        at = (
            np.minimum(y, box.height + BELOW - 1).astype(int),
            np.minimum(x, box.width - 1).astype(int),
        )
        u, v = face.x[at], face.y[at]
        reach = np.hypot(u, v)
        head = 1 - _smooth(reach, 1.0, 1.75)
        carried = 0.25 + 0.75 * head                                  # shoulders follow a little
        cx, cy = looks.center[0] - box.left, looks.center[1] - box.top
        dx, dy = (x - cx), (y - cy)
        pivot = dy - 1.1 * HEAD_RADII[1] * looks.scale                # rolling turns about the neck
        depth = np.sqrt(np.clip(1.05 - 0.85 * reach**2, 0.0, None)) * head
        radius = 0.8 * HEAD_RADII[0] * looks.scale
        chin = _smooth(v, 0.52, 0.80) * (1 - _smooth(v, 0.95, 1.15)) * np.exp(-0.5 * (u / 0.7) ** 2)
        mouth = np.exp(-0.5 * ((u / 0.28) ** 2 + ((v - 0.58) / 0.13) ** 2))
        none = np.zeros_like(x)
        fields = [
            (-carried, none), (none, -carried),                       # x, y
            (pivot * head, -dx * head),                               # roll
            (-dx * head, -dy * head),                                 # scale
            (-radius * (depth + 0.15 * head), none),                  # yaw
            (none, -radius * (depth + 0.40 * head)),                  # pitch
            (none, 1.2 * (1 - head)),                                 # breath lifts the shoulders
            (none, -4.0 * looks.scale * chin),                        # jaw
            (-6.0 * looks.scale * u / 0.28 * mouth * 0.4, none),      # lips
        ]
        self._fields = np.array(fields, dtype=np.float32).reshape(len(fields), -1)
        self._field_shape = (2, rows, columns)
        grid_x, grid_y = np.meshgrid(np.arange(self._grid[0]), np.arange(self._grid[1]))
        self._identity = [grid_x.astype(np.float32), grid_y.astype(np.float32)]
        self._field = [np.empty_like(self._identity[0]) for _ in range(2)]
        self._radius = radius

    def _make_room(self, rng: np.random.Generator, camera: Camera) -> None:
        """Paint the room, and how loud the noise is over it and the subject."""
        room = make_room(rng)
        self._room = [np.ascontiguousarray(room[..., c]) for c in range(3)]
        half = cv2.resize(room, (WIDTH // 2, HEIGHT // 2), interpolation=cv2.INTER_AREA)
        self._room_half = [np.ascontiguousarray(half[..., c]) for c in range(3)]
        b = self.box
        luma = self._room[0].copy()
        person = self.layers.person[: b.height]
        here = luma[b.top : b.top + b.height, b.left : b.left + b.width]
        here[:] = here * (1 - person[..., 3]) + person[..., 0]
        rms = camera.noise(cv2.GaussianBlur(luma, (0, 0), 4.0))
        self._rms = rms
        self._rms_half = 0.55 * cv2.resize(
            rms, (WIDTH // 2, HEIGHT // 2), interpolation=cv2.INTER_AREA
        )
        self._tile = _noise_tile(rng, HEIGHT, WIDTH, 0.45)
        self._tiles_half = [_noise_tile(rng, HEIGHT // 2, WIDTH // 2, 0.6) for _ in range(2)]
        self._noise_seed = int(rng.integers(2**31))
        # Work buffers: fresh megabytes for every frame would cost a third of its time in page
        # faults.
        self._moved_person = np.empty((b.height, b.width, 4), np.float32)
        self._person_half = np.empty((b.height // 2, b.width // 2, 4), np.float32)
        self._layer = [np.empty((b.height, b.width), np.float32) for _ in range(2)]
        self._layer_half = [np.empty((b.height // 2, b.width // 2), np.float32) for _ in range(4)]
        self._full = [np.empty((HEIGHT, WIDTH), np.float32) for _ in range(3)]
        self._half = [np.empty((HEIGHT // 2, WIDTH // 2), np.float32) for _ in range(4)]

    # -- per frame

    def film(
        self, scene: Scene, pulse: tuple[float, float], flicker: np.ndarray, index: int
    ) -> np.ndarray:
        """Give one frame, (540, 640) uint8 I420.

        Parameters
        ----------
        pulse : blood volume of the parts of the face that pulse early and late
        flicker : relative light of the lamps when each row of the light's grid is exposed
        index : picks the noise
        """
        self._dress(scene, pulse)
        person = self._moved(scene)
        light = self._light * (
            1.0
            + scene.gain
            + scene.slope_x * self._light_x
            + scene.slope_y * self._light_y
            + flicker[:, None].astype(np.float32)
        ).astype(np.float32)
        return self._expose(person, light, scene.warmth, index)

    def _dress(self, scene: Scene, pulse: tuple[float, float]) -> None:
        """Put pulse, shading, shine and lids on the face at rest."""
        lamp_x, lamp_y, lamp_z = self._lamp
        yaw, pitch = scene.yaw_rad, scene.pitch_rad
        # Lambert's law, half of the light being diffuse: brightness follows the normals as the head
        # turns under the lamp.
        shade = (-0.5 * yaw * lamp_z, -0.5 * pitch * lamp_z, 0.5 * (yaw * lamp_x + pitch * lamp_y))
        # The mirror image of the lamp stays behind as the skin turns away under it.
        slip_x, slip_y = np.clip(
            [0.6 * self._radius * yaw, 0.6 * self._radius * pitch], -10.0, 10.0
        )
        shine = (2.0 * (yaw * lamp_x + pitch * lamp_y), float(slip_x), float(slip_y))
        darker = self._shade
        darker.fill(1.0)
        for weight, normal in zip(shade, self._normals, strict=True):
            cv2.scaleAdd(normal, weight, darker, dst=darker)
        # alpha stays
        for plane, rest, parts in zip(self._planes, self._rest, self._pulse, strict=False):
            first = rest
            for weight, part in zip(pulse, parts, strict=True):
                first = cv2.scaleAdd(part, weight, first, dst=plane)
            cv2.multiply(plane, darker, dst=plane)
        for weight, layer in zip(shine, self._shine, strict=True):
            cv2.scaleAdd(layer, weight, self._planes[0], dst=self._planes[0])
        self._work[self._head] = cv2.merge(self._planes, dst=self._face)
        if scene.lids > 0.0:
            for at, lid, change in self._lids:
                cover = np.clip((scene.lids * 1.3 - lid) / 0.25, 0.0, 1.0)
                self._work[at] += cover[..., None] * change

    def _moved(self, scene: Scene) -> np.ndarray:
        """Move the person: (H, W, 4) over the box."""
        weights = np.array([
            scene.x_px, scene.y_px, scene.roll_rad, scene.scale, scene.yaw_rad, scene.pitch_rad,
            scene.breath, scene.jaw, scene.lips,
        ], dtype=np.float32)
        coarse = (weights @ self._fields).reshape(self._field_shape)
        for displaced, field, identity in zip(coarse, self._field, self._identity, strict=True):
            cv2.resize(displaced, self._grid, dst=field, interpolation=cv2.INTER_LINEAR)
            cv2.add(field, identity, dst=field)
        from_x, from_y = (field[: self.box.height, : self.box.width] for field in self._field)
        return cv2.remap(
            self._work, from_x, from_y, cv2.INTER_LINEAR, dst=self._moved_person,
            borderMode=cv2.BORDER_REPLICATE,
        )

    def _expose(
        self, person: np.ndarray, light: np.ndarray, warmth: float, index: int
    ) -> np.ndarray:
        """Lay the person over the room, light both, add noise, round."""
        b = self.box
        out = np.empty((HEIGHT * 3 // 2, WIDTH), dtype=np.uint8)
        rng = np.random.default_rng((self._noise_seed, index))
        shift_y, shift_x, half_y, half_x = rng.integers(0, _PAD, 4).tolist()

        top, left = b.top, b.left
        luma, noise, lit = self._full
        cover, clear = (
            cv2.extractChannel(person, c, dst=layer)
            for c, layer in zip((0, 3), self._layer, strict=True)
        )
        half_size = (b.width // 2, b.height // 2)
        halves = cv2.split(
            cv2.resize(person, half_size, dst=self._person_half, interpolation=cv2.INTER_AREA),
            self._layer_half,
        )
        np.copyto(luma, self._room[0])
        np.subtract(1.0, clear, out=clear)
        _over(cover, clear, luma[top : top + b.height, left : left + b.width])
        cv2.resize(light, (WIDTH, HEIGHT), dst=lit, interpolation=cv2.INTER_LINEAR)
        cv2.multiply(luma, lit, dst=luma)
        np.multiply(
            self._tile[shift_y : shift_y + HEIGHT, shift_x : shift_x + WIDTH], self._rms, out=noise
        )
        cv2.addWeighted(luma, 1.0, noise, 1.0, 16.0, dst=out[:HEIGHT], dtype=cv2.CV_8U)

        here = (slice(top // 2, (top + b.height) // 2), slice(left // 2, (left + b.width) // 2))
        grey, chroma, noise, lit = self._half
        cv2.resize(light, (WIDTH // 2, HEIGHT // 2), dst=lit, interpolation=cv2.INTER_LINEAR)
        clear = np.subtract(1.0, halves[3], out=halves[3])
        np.copyto(grey, self._room_half[0])
        _over(halves[0], clear, grey[here])
        # A warmer white balance: more red, less blue, of what is nearly grey.
        for channel, turn in ((1, -0.684 * warmth), (2, 0.595 * warmth)):
            np.copyto(chroma, self._room_half[channel])
            _over(halves[channel], clear, chroma[here])
            cv2.scaleAdd(grey, turn, chroma, dst=chroma)
            cv2.multiply(chroma, lit, dst=chroma)
            tile = self._tiles_half[channel - 1]
            np.multiply(
                tile[half_y : half_y + HEIGHT // 2, half_x : half_x + WIDTH // 2], self._rms_half,
                out=noise,
            )
            rows = HEIGHT + (channel - 1) * HEIGHT // 4
            plane = out[rows : rows + HEIGHT // 4].reshape(HEIGHT // 2, WIDTH // 2)
            cv2.addWeighted(chroma, 1.0, noise, 1.0, 128.0, dst=plane, dtype=cv2.CV_8U)
        return out


def _over(person: np.ndarray, clear: np.ndarray, room: np.ndarray) -> None:
    """Lay one plane of the person, already multiplied by alpha, over the room, in place; `clear` is
    1 - alpha.
    """
    room *= clear
    room += person


def _noise_tile(rng: np.random.Generator, rows: int, columns: int, blur: float) -> np.ndarray:
    """Give unit noise, a little larger than a frame; neighbours share some of it, as after
    demosaicing.
    """
    tile = cv2.GaussianBlur(
        rng.standard_normal((rows + _PAD, columns + _PAD), dtype=np.float32), (0, 0), blur
    )
    return tile / tile.std()

