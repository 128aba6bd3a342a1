"""A varied world of people, rooms, cameras and motion, drawn for each session from wide ranges.

A network that is trained on one simulator learns the simulator. Where light, camera, motion and
pulse are drawn at random, each from a range wider than what is likely, only the pulse is common to
all sessions (Tobin et al., "Domain randomization for transferring deep neural networks from
simulation to the real world", IROS 2017). No range here was chosen by a real recording's result.
The person (skin, face, resting heart rate) is the same in every session, all else is the day's.

Sources of the ranges
---------------------
Colour of the pulse by skin, lamp and camera: `rendering.pulse_colour`. Skin: `rendering.skin`.
Face: `person`. Heart rate, breath, strength of the pulse: `physiology`. How far the face's pulse
leads the finger's is the person's own (`heart`), and changes from day to day by 9 ms (9.4 ms to the
ear, 9.2 ms to the finger, 10 adults on 10 days: Clin. Phys. Physiol. Meas. 9(4), 319, 1988). It
rises more slowly here than was published, as in the pictures that the shipped networks and the
interval of a heart rate were made from; so much earlier it begins. Compression:
`rendering.camera_pipeline`; the share of each codec and the qualities, from hardly visible to
blocky, are assumptions, as are all other ranges here: wide ones about the usual world's values
(`subject`, `motion`), none of them measured. docs/simulation.md lists them.
"""

import zlib
from dataclasses import asdict, dataclass, field, replace
from typing import Any, Literal

import numpy as np

from .camera_timing import FrameTiming
from .heart import SLOWEST_RISE, bounded_normal
from .motion import Activity
from .person import FaceShape, draw_face_shape, spread_evenly
from .physiology import Physiology, draw_physiology
from .rendering.camera_pipeline import CameraProcessing
from .rendering.exposure import ImageSensor
from .rendering.face import Perfusion
from .rendering.pulse_colour import CameraBands, Lamp, SkinOptics, pulse_colour
from .rendering.skin import Skin, draw_skin

USUAL_SIDE_LIGHT = 0.35
FACE_RISE = SLOWEST_RISE
# With a rise that is slower by 50 ms foot and peak cannot both be as published: each is 25 ms off.
_EARLIER_S, _DAY_SD_S = 0.042, 0.009
LIGHT_SKIN_AC_DC = 0.0115       # of green, of the lightest skin, where perfusion is full
WEAKEST_AC_DC = 0.0015          # there; 0.1 % in the mean over a face
WorldName = Literal["usual", "varied"]


# Session files keep the names that these fields had when their format was set.
_RECORDED_NAMES = {
    "activity": "temper", "sensor": "camera", "full_well_electrons": "electrons",
    "read_noise_electrons": "read_electrons", "processing": "film", "white_balance": "warm",
    "pulse_ratio": "pulse", "face_delay_s": "delay_s", "head_scale": "scale",
    "head_shift_px": "shift_px",
}


@dataclass(frozen=True)
class World:
    """The room, the camera and the activity of one session."""

    activity: Activity
    sensor: ImageSensor
    processing: CameraProcessing = field(default_factory=CameraProcessing)
    pulse_ratio: float = 1.0       # of the face's pulse, relative to the subject's own
    face_delay_s: float = 0.0      # of the face's pulse, added to the subject's own
    head_scale: float = 1.0        # of the head in the picture, relative
    head_shift_px: tuple[float, float] = (0.0, 0.0)     # to the right, down
    side_light: float = USUAL_SIDE_LIGHT    # how much brighter one side of the room is
    # of what is None, the subject's own
    skin: Skin | None = None
    face: FaceShape | None = None
    heart: Physiology | None = None
    optics: SkinOptics | None = None
    lamp: Lamp | None = None
    bands: CameraBands | None = None
    perfusion: Perfusion | None = None
    green_ac_dc: float | None = None    # of this skin in this light, before `pulse_ratio`
    skin_shine: float | None = None     # [grey levels]
    timing: FrameTiming | None = None

    def parameters(self) -> dict[str, Any]:
        """Return everything drawn, to four digits, as session files record it."""
        return _as_recorded({name: v for name, v in asdict(self).items() if v is not None})


def _as_recorded(value: Any) -> Any:
    if isinstance(value, dict):
        return {_RECORDED_NAMES.get(name, name): _as_recorded(v) for name, v in value.items()}
    if isinstance(value, tuple):
        return [_as_recorded(item) for item in value]
    return float(f"{value:.4g}") if isinstance(value, float) else value


def draw_world(subject: str, *, seed: int, session: int) -> World:
    """Draw the varied world of one session."""
    subject_hash = zlib.crc32(subject.encode())
    rng = np.random.default_rng([subject_hash, seed, 9, session])
    person = np.random.default_rng([subject_hash, seed, 10])
    rate_place, skin_place = spread_evenly(subject, seed)
    skin = draw_skin(person, skin_place)
    world = World(
        activity=_draw_activity(rng),
        sensor=ImageSensor(
            full_well_electrons=_log_even(rng, 1500, 40000),
            read_noise_electrons=rng.uniform(2.0, 12.0),
        ),
        processing=_draw_processing(rng),
        face_delay_s=bounded_normal(rng, -_EARLIER_S, _DAY_SD_S),
        head_scale=rng.uniform(0.72, 1.22),
        head_shift_px=(rng.uniform(-60, 60), rng.uniform(-12, 25)),
        side_light=rng.uniform(0.1, 1.1),
        skin=skin, face=draw_face_shape(person, skin),
        heart=draw_physiology(person, rng, place=rate_place, session=session),
        skin_shine=_log_even(rng, 3.0, 50.0),
        timing=_draw_timing(rng),
    )
    return _with_blood(world, rng, skin)


def _with_blood(world: World, rng: np.random.Generator, skin: Skin) -> World:
    """Return a world with the colour, the strength and the places of its pulse."""
    optics = SkinOptics(
        melanin=skin.melanin, blood=_log_even(rng, 0.004, 0.03), depth_mm=rng.uniform(0.03, 0.15),
        surface=rng.uniform(0.02, 0.07),
    )
    lamp = _draw_lamp(rng)
    red, green, blue = (float(rng.uniform(-10, 10)) for _ in range(3))
    width = float(rng.uniform(0.8, 1.25))
    bands = CameraBands(
        centres_nm=(602.0 + red, 535.0 + green, 460.0 + blue),
        widths_nm=(34.0 * width, 38.0 * width, 30.0 * width), cut_nm=rng.uniform(640.0, 680.0),
    )
    colour = pulse_colour(optics, lamp, bands)
    lightest = pulse_colour(replace(optics, melanin=0.02), lamp, bands)
    green_ac_dc = LIGHT_SKIN_AC_DC * float(colour[1] / lightest[1])
    colour = colour / np.linalg.norm(colour)
    return replace(
        world, optics=optics, lamp=lamp, bands=bands, green_ac_dc=green_ac_dc,
        pulse_ratio=_log_even(rng, WEAKEST_AC_DC / green_ac_dc, 1.8),
        perfusion=Perfusion(
            rgb=(float(colour[0]), float(colour[1]), float(colour[2])),
            contrast=rng.uniform(0.3, 1.6), spread=rng.uniform(0.05, 0.5),
            seed=int(rng.integers(2**31)),
        ),
    )


def _draw_lamp(rng: np.random.Generator) -> Lamp:
    kind = str(rng.choice(["daylight", "incandescent", "led", "fluorescent"],
                          p=[0.35, 0.10, 0.40, 0.15]))
    kelvin = {"daylight": (5000.0, 7500.0), "incandescent": (2600.0, 3100.0)}
    return Lamp(kind, rng.uniform(*kelvin.get(kind, (2700.0, 6500.0))))  # type: ignore[arg-type]


def _draw_activity(rng: np.random.Generator) -> Activity:
    return Activity(
        motion=_log_even(rng, 0.2, 3.0),
        speech=rng.uniform(0.05, 0.8) if rng.random() < 0.5 else 0.0,
        turns_per_min=rng.uniform(0.0, 8.0),
        light=_log_even(rng, 0.2, 3.0),
        flicker=_log_even(rng, 0.0002, 0.006),
        mains_hz=float(rng.choice([50.0, 60.0])),
        recoil_mm=_log_even(rng, 0.05, 1.0),
        turn_size=rng.uniform(0.5, 2.0),
        shifts_per_min=rng.uniform(0.0, 3.0) if rng.random() < 0.6 else 0.0,
        glances_per_min=rng.uniform(0.0, 20.0),
        exposure_steps_per_min=rng.uniform(0.5, 6.0) if rng.random() < 0.5 else 0.0,
    )


def _draw_processing(rng: np.random.Generator) -> CameraProcessing:
    codec = str(rng.choice(["none", "mjpeg", "h264"], p=[0.2, 0.4, 0.4]))
    qualities = {"none": 0, "mjpeg": int(rng.integers(2, 13)), "h264": int(rng.integers(14, 33))}
    return CameraProcessing(
        gamma=rng.uniform(0.75, 1.3),
        gain=rng.uniform(0.75, 1.1),
        white_balance=(rng.uniform(-9, 9), rng.uniform(-9, 9)),
        saturation=rng.uniform(0.7, 1.25),
        denoise=rng.uniform(0.2, 0.65) if rng.random() < 0.4 else 0.0,
        sharpen=rng.uniform(0.2, 1.2) if rng.random() < 0.4 else 0.0,
        codec=codec,  # type: ignore[arg-type]
        quality=qualities[codec],
    )


def _draw_timing(rng: np.random.Generator) -> FrameTiming:
    usual_fps = float(rng.choice([15.0, 20.0, 24.0, 25.0, 30.0, 60.0],
                                 p=[0.12, 0.08, 0.10, 0.20, 0.40, 0.10]))
    other_fps = _log_even(rng, 7.0, 60.0)
    return FrameTiming(
        fps=usual_fps if rng.random() < 0.6 else other_fps,
        jitter=rng.uniform(0.0, 0.2) if rng.random() < 0.4 else 0.0,
        long_steps=rng.uniform(0.0, 0.02) if rng.random() < 0.3 else 0.0,
    )


def _log_even(rng: np.random.Generator, low: float, high: float) -> float:
    return float(np.exp(rng.uniform(np.log(low), np.log(high))))
