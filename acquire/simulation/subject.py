"""A virtual subject: one seeded person with the same pulse in finger and face.

`VirtualSubject.frame(t_s, number)` is what a camera would deliver for an exposure at subject time
`t_s`; `ppg(t_s)` is what a finger sensor would read. Both are pure functions of the subject and the
time, so a dropped frame is simply never asked for. Who the subject is (face, skin, usual heart
rate) follows from the id and the seed; what a day brings (rate, room, light, activity) also from
the session's number.

A frame is made so (`rendering`): pulse, shading and shine are added to the layers of the face at
rest, in Y, U, V; the lids come down; one smooth displacement field moves the person, who is laid
over the room; the light multiplies everything; the sensor's noise is added and the sum rounded once
to 8 bits, 4:2:0. In dark skin a beat is well under one step of these 8 bits: it survives the
rounding only because the noise dithers it, as in a real camera.

Sources
-------
Noise: shot noise of a 15,000-electron well and 6 electrons of reading, per output pixel of a small
sensor binned to 640x360, through a gamma of 2.2: about one grey level; a Logitech C930c, which
denoises, shows 0.4 to 0.8 (PhysRecorder example), a Raspberry Pi camera more.
"""

import threading
import zlib
from dataclasses import dataclass, replace

import numpy as np

from .heart import PUBLISHED_RISE, Heart, draw_pulses
from .motion import Activity, Behaviour
from .person import apply_face, spread_evenly
from .rendering.exposure import ImageSensor
from .rendering.face import Appearance
from .rendering.renderer import PULSE_SPREAD_S, FaceRenderer
from .world import FACE_RISE, USUAL_SIDE_LIGHT, World

PX_PER_MM = 0.74     # at an appearance's scale of 1, where a head of 23 cm is 170 px high
_USUAL_SENSOR = ImageSensor(full_well_electrons=15000.0, read_noise_electrons=6.0)


@dataclass(frozen=True)
class Traits:
    """Who a subject is; the same in every session."""

    appearance: Appearance
    base_bpm: float            # usual heart rate, awake and seated [bpm]
    green_ac_dc: float         # of the face, peak to peak, where perfusion is full
    skin_shine: float          # strength of the skin's mirror image of the lamp [grey levels]
    liveliness: float          # how much the subject moves; 1 is usual


def traits_of(subject_id: str, *, seed: int = 0) -> Traits:
    """Draw the traits of a subject."""
    rng = np.random.default_rng([zlib.crc32(subject_id.encode()), seed])
    rate, tone = spread_evenly(subject_id, seed)
    hair_colour = rng.choice(4, p=[0.5, 0.25, 0.15, 0.10]) if tone < 0.5 else 0
    shade = rng.uniform(0.35, 0.60) * (1 - 0.45 * tone)
    hair_gain = [
        (shade, shade * 0.92, shade * 0.85),                                  # brown to black
        (rng.uniform(0.8, 1.05),) * 3,                                        # blond
        (0.70, 0.78, 0.95),                                                   # grey
        (0.75, 0.48, 0.36),                                                   # red
    ][hair_colour]
    appearance = Appearance(
        skin_tone=tone,
        hair_gain=hair_gain,
        suit_hue=rng.uniform(0, 1),
        is_mirrored=bool(rng.random() < 0.5),
        scale=rng.uniform(1.10, 1.36),  # head 180 to 220 px high
        width_ratio=rng.uniform(0.93, 1.07),
        jaw_width=rng.uniform(0.92, 1.08),
        head_center=(float(rng.uniform(290, 350)), float(rng.uniform(148, 166))),
        feature_seed=int(rng.integers(2**31)),
    )
    return Traits(
        appearance=appearance,
        # 52 to 110; the sequence alone bunches by fours
        base_bpm=57.0 + 48.0 * rate + rng.uniform(-5.0, 5.0),
        green_ac_dc=(0.0115 - 0.0065 * tone) * rng.uniform(0.85, 1.15),
        skin_shine=rng.uniform(10.0, 35.0),
        liveliness=rng.uniform(0.6, 1.3),
    )


class VirtualSubject:
    """One subject in one session; may be used from several threads."""

    def __init__(
        self, subject_id: str, *, seed: int = 0, session: int = 0, activity: Activity | None = None,
        world: World | None = None,
    ) -> None:
        """Draw subject and session.

        Parameters
        ----------
        subject_id : any text; a number at its end places the subject in the spread of rates and
            skins
        seed : another seed is another person under the same id
        session : another session is another day of the same person
        activity : how much moves in the session; drawn when not given
        world : room, camera and activity; the usual ones when not given. `frame` is what the image
            sensor sees; the camera processing of the world comes after it
        """
        self.subject_id, self.seed = subject_id, seed
        self.traits = traits_of(subject_id, seed=seed)
        id_hash = zlib.crc32(subject_id.encode())
        person = np.random.default_rng([id_hash, seed, 1])
        finger, face = draw_pulses(person, rise=PUBLISHED_RISE if world is None else FACE_RISE)
        if world is not None:
            self.traits = _in_world(self.traits, world)
            face = replace(face, delay_s=face.delay_s + world.face_delay_s)
            activity = world.activity
        day = np.random.default_rng([id_hash, seed, 2, session])
        base_bpm = float(np.clip(self.traits.base_bpm + day.normal(0, 3.0), 50.0, 112.0))
        physiology = world.heart if world is not None else None
        self.heart = Heart(
            day, base_bpm=physiology.base_bpm if physiology else base_bpm, finger=finger, face=face,
            alertness=day.uniform(0.7, 1.0), physiology=physiology,
        )
        if activity is None:
            activity = Activity(
                motion=self.traits.liveliness * day.uniform(0.7, 1.3),
                speech=day.uniform(0.0, 0.35),
                turns_per_min=day.uniform(1.0, 6.0),
                light=day.uniform(0.5, 1.5),
                flicker=day.uniform(0.0005, 0.003),
            )
        self.behaviour = Behaviour(
            day, self.heart, activity, px_per_mm=PX_PER_MM * self.traits.appearance.scale
        )
        self._world = world
        self.image_sensor = world.sensor if world is not None else _USUAL_SENSOR
        self._day_seed = int(day.integers(2**63))
        self._renderer: FaceRenderer | None = None
        self._lock = threading.Lock()                # the renderer is not for two threads at once

    def prepare(self) -> "VirtualSubject":
        """Make the renderer now (a third of a second), rather than at the first frame."""
        with self._lock:
            if self._renderer is None:
                self._renderer = FaceRenderer(
                    self.traits.appearance, green_ac_dc=self.traits.green_ac_dc,
                    skin_shine=self.traits.skin_shine, sensor=self.image_sensor,
                    seed=self._day_seed, perfusion=self._world.perfusion if self._world else None,
                    side_light=self._world.side_light if self._world else USUAL_SIDE_LIGHT,
                )
        return self

    @property
    def renderer(self) -> FaceRenderer:
        """The renderer of the subject in the session's room."""
        self.prepare()
        assert self._renderer is not None
        return self._renderer

    def ppg(self, t_s: np.ndarray | float) -> np.ndarray:
        """Return the finger's PPG: (T,) pulses about 1 high, baseline included."""
        return self.heart.ppg(t_s)

    def face_pulse(self, t_s: np.ndarray | float) -> np.ndarray:
        """Return the face's blood volume: (T,) pulses about 1 high; skin darkens as it rises."""
        return self.heart.face_pulse(t_s)

    def heart_rate(self, t_s: np.ndarray | float) -> np.ndarray:
        """Return the true heart rate [bpm]."""
        return self.heart.heart_rate(t_s)

    def beat_times(self, start_s: float, stop_s: float) -> np.ndarray:
        """Return the times of the heart's beats in [start_s, stop_s) [s]."""
        return self.heart.beat_times(start_s, stop_s)

    def frame(self, t_s: float, number: int) -> np.ndarray:
        """Render one frame.

        Parameters
        ----------
        t_s : middle of the exposure [s, subject time]
        number : of the frame; picks its noise

        Returns
        -------
        (540, 640) uint8 I420, BT.601 video range; a new array
        """
        renderer = self.renderer
        early, late = self.heart.face_pulse(
            np.array([t_s + PULSE_SPREAD_S / 2, t_s - PULSE_SPREAD_S / 2])
        ).tolist()
        scene = self.behaviour.at(t_s)
        flicker = self.behaviour.flicker(t_s + renderer.light.row_delays_s)
        with self._lock:
            return renderer.render(scene, (early, late), flicker, number)


def _in_world(traits: Traits, world: World) -> Traits:
    """Return the traits as they show in a world: face and skin, the pulse, the head's place."""
    appearance = traits.appearance
    if world.face is not None and world.skin is not None:
        appearance = apply_face(appearance, world.face, world.skin)
    x, y = appearance.head_center
    shift_x, shift_y = world.head_shift_px
    return replace(
        traits,
        base_bpm=traits.base_bpm if world.heart is None else world.heart.resting_bpm,
        green_ac_dc=world.pulse_ratio * (
            traits.green_ac_dc if world.green_ac_dc is None else world.green_ac_dc),
        skin_shine=traits.skin_shine if world.skin_shine is None else world.skin_shine,
        appearance=replace(
            appearance, scale=appearance.scale * world.head_scale,
            head_center=(x + shift_x, y + shift_y),
        ),
    )
