"""The subject's surface and how it moves: pulse, shading, shine and lids, then one displacement."""

import cv2
import numpy as np

from acquire.simulation.motion import Scene

from .face import BELOW, Appearance, FaceLayers
from .portrait import HEAD_RADII

_CELL_PX = 8                   # of the displacement field's grid


def _ramp(x: np.ndarray, low: float, high: float) -> np.ndarray:
    """Return 0 below `low`, 1 above `high`, and a smooth step between."""
    u = np.clip((x - low) / (high - low), 0, 1)
    return u * u * (3 - 2 * u)


def turning_radius(appearance: Appearance) -> float:
    """Return the radius on which the face's surface turns with the head [px]."""
    return 0.8 * HEAD_RADII[0] * appearance.scale


class HeadSurface:
    """What is added to the face at rest; the head's rows and columns of the layers, cut out.

    Not for two threads at once: pictures are made in buffers that the next call overwrites.

    Parameters
    ----------
    skin_shine : strength of the skin's mirror image of the lamp [grey levels]
    lamp : direction towards the lamp: right, down, out of the picture
    """

    def __init__(
        self, layers: FaceLayers, appearance: Appearance, *, skin_shine: float,
        lamp: tuple[float, float, float],
    ) -> None:
        self._lamp = lamp
        self._radius = turning_radius(appearance)
        reach = np.hypot(layers.head_x, layers.head_y)
        rows = np.flatnonzero((reach < 1.2).any(axis=1))
        columns = np.flatnonzero((reach < 1.2).any(axis=0))
        self._head = head = (slice(rows[0], rows[-1] + 1), slice(columns[0], columns[-1] + 1))
        self._rest = [
            np.ascontiguousarray(plane) for plane in np.moveaxis(layers.person[head], 2, 0)
        ]
        # Blood takes light away: what a pulse adds to Y, U, V, where it comes early and where late.
        early = 1 - layers.late_share[head]
        self._pulse = [
            (np.ascontiguousarray(plane * early), np.ascontiguousarray(plane * (1 - early)))
            for plane in -np.moveaxis(layers.pulse_yuv[head], 2, 0)
        ]
        self._normals = _surface_normals(layers.head_x[head], layers.head_y[head], reach[head])
        shine = (cv2.GaussianBlur(layers.shine[head], (0, 0), 2.0) * skin_shine).astype(np.float32)
        # and how it changes when it moves to the side and down
        self._shine = [shine, np.gradient(shine, axis=1), np.gradient(shine, axis=0)]
        self._lids = _lids(layers)
        self._planes = [plane.copy() for plane in self._rest]
        self._shade = np.empty_like(shine)
        self._face = layers.person[head].copy()
        self._person = layers.person.copy()

    def at(self, scene: Scene, pulse: tuple[float, float]) -> np.ndarray:
        """Return the person with pulse, shading, shine and lids, not yet moved: (H, W, 4)."""
        self._pulse_and_shade(scene, pulse)
        self._add_shine(scene)
        self._person[self._head] = cv2.merge(self._planes, dst=self._face)
        if scene.lids > 0.0:
            for area, lid_position, change in self._lids:
                cover = np.clip((scene.lids * 1.3 - lid_position) / 0.25, 0.0, 1.0)
                self._person[area] += cover[..., None] * change
        return self._person

    def _pulse_and_shade(self, scene: Scene, pulse: tuple[float, float]) -> None:
        """Let the face pulse, and make it brighter or darker as it turns under the lamp.

        Lambert's law, half of the light being diffuse: brightness follows the normals.
        """
        lamp_x, lamp_y, lamp_z = self._lamp
        yaw, pitch = scene.yaw_rad, scene.pitch_rad
        towards_lamp = yaw * lamp_x + pitch * lamp_y
        weights = (-0.5 * yaw * lamp_z, -0.5 * pitch * lamp_z, 0.5 * towards_lamp)
        shade = self._shade
        shade.fill(1.0)
        for weight, normal in zip(weights, self._normals, strict=True):
            cv2.scaleAdd(normal, weight, shade, dst=shade)
        # the fourth plane, alpha, stays
        for plane, rest, parts in zip(self._planes, self._rest, self._pulse, strict=False):
            pulsed = rest
            for height, part in zip(pulse, parts, strict=True):
                pulsed = cv2.scaleAdd(part, height, pulsed, dst=plane)
            cv2.multiply(plane, shade, dst=plane)

    def _add_shine(self, scene: Scene) -> None:
        """Add the mirror image of the lamp; it stays behind as the skin turns away under it."""
        lamp_x, lamp_y, _ = self._lamp
        yaw, pitch = scene.yaw_rad, scene.pitch_rad
        slip_x, slip_y = np.clip(
            [0.6 * self._radius * yaw, 0.6 * self._radius * pitch], -10.0, 10.0
        )
        weights = (2.0 * (yaw * lamp_x + pitch * lamp_y), float(slip_x), float(slip_y))
        luma = self._planes[0]
        for weight, layer in zip(weights, self._shine, strict=True):
            cv2.scaleAdd(layer, weight, luma, dst=luma)


def _surface_normals(x: np.ndarray, y: np.ndarray, reach: np.ndarray) -> list[np.ndarray]:
    """Return the normals of a face about as wide as the cheeks, fading towards hair and neck."""
    nx, ny = np.clip(x * 1.25, -0.95, 0.95), np.clip(y * 0.85, -0.9, 0.9)
    nz = np.sqrt(np.clip(1 - nx * nx - ny * ny, 0.05, 1))
    turning = 1 - _ramp(reach, 0.95, 1.2)
    return [(n * turning).astype(np.float32) for n in (nx, ny, nz)]


def _lids(
    layers: FaceLayers,
) -> list[tuple[tuple[slice, slice], np.ndarray, np.ndarray]]:
    """Return, for each eye, its area, the position between its lids, and what closing it adds."""
    lids = []
    eyes = (layers.eye_openings > 0.02).astype(np.uint8)
    _, _, stats, _ = cv2.connectedComponentsWithStats(eyes)
    for left, top, width, height, pixels in stats[1:]:
        if pixels > 20:
            area = (slice(top, top + height), slice(left, left + width))
            change = np.ascontiguousarray((layers.person_closed - layers.person)[area])
            lids.append((area, np.ascontiguousarray(layers.lid_position[area]), change))
    return lids


class HeadMovement:
    """The displacement of every movement by one unit, on a coarse grid, and their weighted sum.

    A displacement says where a pixel's colour comes from. Not for two threads at once.
    """

    def __init__(self, layers: FaceLayers, appearance: Appearance) -> None:
        box = self._box = layers.box
        rows = (box.height + _CELL_PX - 1) // _CELL_PX
        columns = (box.width + _CELL_PX - 1) // _CELL_PX
        self._size = (columns * _CELL_PX, rows * _CELL_PX)
        fields = _unit_displacements(layers, appearance, rows, columns)
        self._fields = np.array(fields, dtype=np.float32).reshape(len(fields), -1)
        self._coarse_shape = (2, rows, columns)
        self._gaze = _gaze_displacement(layers, appearance, rows, columns)
        identity = np.meshgrid(np.arange(self._size[0]), np.arange(self._size[1]))
        self._identity = [grid.astype(np.float32) for grid in identity]
        self._field = [np.empty_like(self._identity[0]) for _ in range(2)]
        self._moved = np.empty((box.height, box.width, 4), np.float32)

    def move(self, person: np.ndarray, scene: Scene) -> np.ndarray:
        """Return the person moved as in the scene: (H, W, 4) over the box."""
        weights = np.array([
            scene.x_px, scene.y_px, scene.roll_rad, scene.scale, scene.yaw_rad, scene.pitch_rad,
            scene.breath, scene.jaw, scene.lips,
        ], dtype=np.float32)
        coarse = (weights @ self._fields).reshape(self._coarse_shape)
        if scene.gaze_x or scene.gaze_y:
            coarse[0] += scene.gaze_x * self._gaze
            coarse[1] += scene.gaze_y * self._gaze
        for displacement, field, identity in zip(coarse, self._field, self._identity, strict=True):
            cv2.resize(displacement, self._size, dst=field, interpolation=cv2.INTER_LINEAR)
            cv2.add(field, identity, dst=field)
        from_x, from_y = (field[: self._box.height, : self._box.width] for field in self._field)
        return cv2.remap(
            person, from_x, from_y, cv2.INTER_LINEAR, dst=self._moved,
            borderMode=cv2.BORDER_REPLICATE,
        )


def _grid(layers: FaceLayers, rows: int, columns: int) -> tuple[np.ndarray, ...]:
    """Return x, y [px] of the field's grid, and its places on the head."""
    box = layers.box
    y, x = np.mgrid[0:rows, 0:columns].astype(np.float32) * _CELL_PX + (_CELL_PX - 1) / 2
    pixel = (
        np.minimum(y, box.height + BELOW - 1).astype(int),
        np.minimum(x, box.width - 1).astype(int),
    )
    return x, y, layers.head_x[pixel], layers.head_y[pixel]


def _gaze_displacement(
    layers: FaceLayers, appearance: Appearance, rows: int, columns: int
) -> np.ndarray:
    """Return by how much the eyes move to one side when they look there as far as they can."""
    _, _, u, v = _grid(layers, rows, columns)
    eyes = np.exp(-0.5 * (((np.abs(u) - 0.295) / 0.09) ** 2 + ((v - 0.05) / 0.07) ** 2))
    return (-3.0 * appearance.scale * eyes).astype(np.float32)


def _unit_displacements(
    layers: FaceLayers, appearance: Appearance, rows: int, columns: int
) -> list[tuple[np.ndarray, np.ndarray]]:
    """Return the displacement (x, y) of each movement, in the order of the weights in `move`."""
    box = layers.box
    x, y, u, v = _grid(layers, rows, columns)
    reach = np.hypot(u, v)
    head = 1 - _ramp(reach, 1.0, 1.75)
    carried = 0.25 + 0.75 * head                                  # shoulders follow a little
    cx, cy = appearance.head_center[0] - box.left, appearance.head_center[1] - box.top
    dx, dy = (x - cx), (y - cy)
    pivot = dy - 1.1 * HEAD_RADII[1] * appearance.scale           # rolling turns about the neck
    depth = np.sqrt(np.clip(1.05 - 0.85 * reach**2, 0.0, None)) * head
    radius = turning_radius(appearance)
    chin = _ramp(v, 0.52, 0.80) * (1 - _ramp(v, 0.95, 1.15)) * np.exp(-0.5 * (u / 0.7) ** 2)
    mouth = np.exp(-0.5 * ((u / 0.28) ** 2 + ((v - 0.58) / 0.13) ** 2))
    none = np.zeros_like(x)
    return [
        (-carried, none), (none, -carried),                       # x, y
        (pivot * head, -dx * head),                               # roll
        (-dx * head, -dy * head),                                 # scale
        (-radius * (depth + 0.15 * head), none),                  # yaw
        (none, -radius * (depth + 0.40 * head)),                  # pitch
        (none, 1.2 * (1 - head)),                                 # breath lifts the shoulders
        (none, -4.0 * appearance.scale * chin),                   # jaw
        (-6.0 * appearance.scale * u / 0.28 * mouth * 0.4, none), # lips
    ]
