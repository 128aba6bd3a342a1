"""The renderer of one subject in one room. Made for speed.

Everything that happens to the face is linear in precomputed layers (`head`), everything that moves
is one displacement field made on a coarse grid, so that a frame costs two or three milliseconds of
one core: four cameras then run in real time beside four recorders on two cores.
"""

import numpy as np

from acquire.simulation.motion import Scene

from .exposure import Exposure, ImageSensor
from .face import Appearance, Perfusion, make_layers
from .head import HeadMovement, HeadSurface
from .room import RoomLight

PULSE_SPREAD_S = 0.030         # the pulse reaches the chin this much after the forehead


class FaceRenderer:
    """Makes the pictures of one subject in one room. Not for two threads at once.

    Parameters
    ----------
    green_ac_dc : AC/DC of green, peak to peak, where perfusion is full
    skin_shine : strength of the skin's mirror image of the lamp [grey levels]
    seed : of room, lamp and noise
    perfusion : colour and places of the pulse; the portrait's when not given
    side_light : how much brighter the lamp's side of the room is
    """

    def __init__(
        self, appearance: Appearance, *, green_ac_dc: float, skin_shine: float,
        sensor: ImageSensor, seed: int, perfusion: Perfusion | None = None,
        side_light: float = 0.35,
    ) -> None:
        rng = np.random.default_rng(seed)
        self.layers = make_layers(
            appearance, green_ac_dc=green_ac_dc, perfusion=perfusion
        )
        self.light = RoomLight(rng, side_light=side_light)
        self._surface = HeadSurface(
            self.layers, appearance, skin_shine=skin_shine, lamp=self.light.lamp
        )
        self._movement = HeadMovement(self.layers, appearance)
        self._exposure = Exposure(rng, sensor, self.layers)

    def render(
        self, scene: Scene, pulse: tuple[float, float], flicker: np.ndarray, frame_number: int
    ) -> np.ndarray:
        """Return one frame, (540, 640) uint8 I420.

        Parameters
        ----------
        pulse : blood volume of the parts of the face that pulse early and late
        flicker : relative light of the lamps at each of `light.row_delays_s`
        frame_number : picks the noise
        """
        person = self._movement.move(self._surface.at(scene, pulse), scene)
        light = self.light.at(scene, flicker)
        return self._exposure.expose(person, light, scene.warmth, frame_number)
