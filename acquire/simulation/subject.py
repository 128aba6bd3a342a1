"""A virtual subject: one seeded person whose finger and face carry the same blood, and who can be
filmed at any instant.

`VirtualSubject.frame(t_s, index)` gives what a camera would deliver for an exposure at subject time
`t_s`; `ppg(t_s)` what a finger sensor would read. Both are pure functions of the subject and the
time, so a frame that was dropped is simply never asked for. Who the subject is (face, skin, usual
heart rate) follows from the id and the seed; what a day brings (rate, room, light, liveliness) also
from the session's number.

A frame is made so: the face's layers at rest (`virtual_face`) take pulse, shading and shine, all
additions in Y, U, V; the lids come down; one smooth displacement field moves the person
(`virtual_motion`); she is laid over the room; the light multiplies everything; the sensor's noise
is added and the sum rounded once to 8 bits, 4:2:0. The pulse, well under one step of the 8 bits per
beat in dark skin, survives the rounding only because the noise dithers it, as in a real camera.

Sources
-------
Noise: shot noise of a 15,000-electron well and 6 electrons of reading, per output pixel of a small
sensor binned to 640x360, through a gamma of 2.2: about one grey level; a Logitech C930c, which
denoises, shows 0.4 to 0.8 (PhysRecorder example), a Raspberry Pi camera more.
"""

import re
import threading
import zlib
from dataclasses import dataclass, replace

import numpy as np

from .face import HEIGHT, WIDTH, Looks
from .heart import Heart, face_pulse, finger_pulse
from .motion import Behaviour, Temper
from .renderer import Camera, Stage
from .world import World

__all__ = ["HEIGHT", "WIDTH", "Traits", "VirtualSubject", "traits_of"]


@dataclass(frozen=True)
class Traits:
    """Who a subject is; the same in every session."""

    looks: Looks
    base_bpm: float            # usual heart rate, awake and seated [bpm]
    pulse_green: float         # green AC/DC of the face, peak to peak, where perfusion is full
    oily: float                # strength of the skin's mirror image of the lamp [grey levels]
    liveliness: float          # how much the subject moves; 1 is usual


def _spread(subject_id: str, seed: int) -> tuple[float, float]:
    """Give two numbers in [0, 1) that neighbouring subject numbers spread evenly over the square.

    Source: Roberts, "The unreasonable effectiveness of quasirandom sequences", 2018 (R2 sequence).
    """
    digits = re.search(r"(\d+)$", subject_id)
    n = int(digits.group(1)) if digits else zlib.crc32(subject_id.encode())
    start = np.random.default_rng([seed, 77]).random(2) if seed else np.array([0.5, 0.5])
    first, second = (start + n * np.array([0.7548776662466927, 0.5698402909980532])) % 1.0
    return float(first), float(second)


def traits_of(subject_id: str, *, seed: int = 0) -> Traits:
    """Draw who a subject is."""
    rng = np.random.default_rng([zlib.crc32(subject_id.encode()), seed])
    rate, tone = _spread(subject_id, seed)
    tint = rng.choice(4, p=[0.5, 0.25, 0.15, 0.10]) if tone < 0.5 else 0
    shade = rng.uniform(0.35, 0.60) * (1 - 0.45 * tone)
    hair = [
        (shade, shade * 0.92, shade * 0.85),                                  # brown to black
        (rng.uniform(0.8, 1.05),) * 3,                                        # blond
        (0.70, 0.78, 0.95),                                                   # grey
        (0.75, 0.48, 0.36),                                                   # red
    ][tint]
    looks = Looks(
        tone=tone,
        hair=hair,
        suit_hue=rng.uniform(0, 1),
        mirror=bool(rng.random() < 0.5),
        scale=rng.uniform(1.10, 1.36),  # head 180 to 220 px high
        wide=rng.uniform(0.93, 1.07),
        jaw=rng.uniform(0.92, 1.08),
        center=(float(rng.uniform(290, 350)), float(rng.uniform(148, 166))),
        bumps=int(rng.integers(2**31)),
    )
    return Traits(
        looks=looks,
        # 52 to 110; the sequence alone bunches by fours
        base_bpm=57.0 + 48.0 * rate + rng.uniform(-5.0, 5.0),
        pulse_green=(0.0115 - 0.0065 * tone) * rng.uniform(0.85, 1.15),
        oily=rng.uniform(10.0, 35.0),
        liveliness=rng.uniform(0.6, 1.3),
    )


class VirtualSubject:
    """One subject in one session. `frame` keeps work buffers and takes a lock; everything else is
    free of state.
    """

    def __init__(
        self, subject_id: str, *, seed: int = 0, session: int = 0, temper: Temper | None = None,
        world: World | None = None,
    ) -> None:
        """Draw subject and session.

        Parameters
        ----------
        subject_id : any text; a number at its end places the subject in the spread of rates and
            skins
        seed : another seed is another person under the same id
        session : another session is another day of the same person
        temper : how lively the session is; drawn when not given
        world : the room and camera, and how lively the session is; the usual ones when not given.
            `frame` gives what the sensor sees; the world's film comes after it
        """
        self.subject_id = subject_id
        self.traits = traits_of(subject_id, seed=seed)
        if world is not None:
            looks = self.traits.looks
            center = (looks.center[0] + world.shift_px[0], looks.center[1] + world.shift_px[1])
            self.traits = replace(
                self.traits, pulse_green=self.traits.pulse_green * world.pulse,
                looks=replace(looks, scale=looks.scale * world.scale, center=center),
            )
            temper = world.temper
        person = np.random.default_rng([zlib.crc32(subject_id.encode()), seed, 1])
        finger, face = finger_pulse(person), face_pulse(person)
        if world is not None:
            face = replace(face, delay_s=face.delay_s + world.delay_s)
        day = np.random.default_rng([zlib.crc32(subject_id.encode()), seed, 2, session])
        base = float(np.clip(self.traits.base_bpm + day.normal(0, 3.0), 50.0, 112.0))
        self.heart = Heart(
            day, base_bpm=base, finger=finger, face=face, alertness=day.uniform(0.7, 1.0)
        )
        if temper is None:
            temper = Temper(
                motion=self.traits.liveliness * day.uniform(0.7, 1.3),
                speech=day.uniform(0.0, 0.35),
                turns_per_min=day.uniform(1.0, 6.0),
                light=day.uniform(0.5, 1.5),
                flicker=day.uniform(0.0005, 0.003),
            )
        self.behaviour = Behaviour(day, self.heart, temper)
        self.camera = (
            world.camera if world is not None else Camera(electrons=15000.0, read_electrons=6.0)
        )
        self._day_seed = int(day.integers(2**63))
        self._stage: Stage | None = None
        self._lock = threading.Lock()

    def prepare(self) -> "VirtualSubject":
        """Paint face and room now (a third of a second), rather than at the first frame."""
        with self._lock:
            if self._stage is None:
                self._stage = Stage(
                    self.traits.looks,
                    pulse_green=self.traits.pulse_green,
                    oily=self.traits.oily,
                    camera=self.camera,
                    seed=self._day_seed,
                )
        return self

    @property
    def stage(self) -> Stage:
        """The painted face and room."""
        self.prepare()
        assert self._stage is not None
        return self._stage

    def ppg(self, t_s: np.ndarray | float) -> np.ndarray:
        """Give the finger's PPG: (T,) pulses about 1 high, baseline included."""
        return self.heart.ppg(t_s)

    def face_pulse(self, t_s: np.ndarray | float) -> np.ndarray:
        """Give the blood volume of the face: (T,) pulses about 1 high; skin darkens as it rises."""
        return self.heart.face_pulse(t_s)

    def heart_rate(self, t_s: np.ndarray | float) -> np.ndarray:
        """Give the true heart rate [bpm]."""
        return self.heart.heart_rate(t_s)

    def beat_times(self, start_s: float, stop_s: float) -> np.ndarray:
        """Give the heart's beats in [start_s, stop_s) [s]."""
        return self.heart.beat_times(start_s, stop_s)

    def frame(self, t_s: float, index: int) -> np.ndarray:
        """Film one frame.

        Parameters
        ----------
        t_s : middle of the exposure [s, subject time]
        index : number of the frame; picks its noise

        Returns
        -------
        (540, 640) uint8 I420, BT.601 video range; a new array
        """
        stage = self.stage
        early, late = self.heart.face_pulse(
            np.array([t_s + stage.spread_s / 2, t_s - stage.spread_s / 2])
        ).tolist()
        scene = self.behaviour.at(t_s)
        with self._lock:
            return stage.film(
                scene, (early, late), self.behaviour.flicker(t_s + stage.row_delays_s), index
            )
