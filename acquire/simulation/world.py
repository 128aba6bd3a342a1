"""A varied world of rooms, cameras and motion, drawn anew for each session from wide ranges.

A network that is trained on one simulator learns the simulator. Where light, camera, motion and
pulse are drawn at random, each from a range wider than what is likely, only the pulse is common to
all sessions (Tobin et al., "Domain randomization for transferring deep neural networks from
simulation to the real world", IROS 2017). No range here was chosen by a real recording's result.

Sources of the ranges
---------------------
Pulse amplitude of green, 0.3 to 1.5 % of its mean over skin types: Wang et al., IEEE TBME 64(7),
2017. All others are assumptions: wide ranges about the usual world's values (`subject`, `motion`),
none of them measured. Compression: see the sources of `rendering.camera_pipeline`.
"""

import zlib
from dataclasses import asdict, dataclass, field
from typing import Any, Literal

import numpy as np

from .motion import Activity
from .rendering.camera_pipeline import CameraProcessing
from .rendering.exposure import ImageSensor

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

    def parameters(self) -> dict[str, Any]:
        """Return everything drawn, to four digits, as session files record it."""
        return _as_recorded(asdict(self))


def _as_recorded(value: Any) -> Any:
    if isinstance(value, dict):
        return {_RECORDED_NAMES.get(name, name): _as_recorded(v) for name, v in value.items()}
    if isinstance(value, tuple):
        return [_as_recorded(item) for item in value]
    return float(f"{value:.4g}") if isinstance(value, float) else value


def draw_world(subject: str, *, seed: int, session: int) -> World:
    """Draw the varied world of one session."""
    rng = np.random.default_rng([zlib.crc32(subject.encode()), seed, 9, session])
    codec = rng.choice(["none", "mjpeg", "h264"], p=[0.3, 0.35, 0.35])
    qualities = {"none": 0, "mjpeg": int(rng.integers(2, 9)), "h264": int(rng.integers(14, 27))}
    denoise = rng.uniform(0.2, 0.65) if rng.random() < 0.4 else 0.0
    return World(
        activity=Activity(
            motion=float(np.exp(rng.uniform(np.log(0.2), np.log(2.5)))),
            speech=rng.uniform(0.0, 0.4), turns_per_min=rng.uniform(0.0, 8.0),
            light=float(np.exp(rng.uniform(np.log(0.2), np.log(3.0)))),
            flicker=float(np.exp(rng.uniform(np.log(0.0002), np.log(0.006)))),
            mains_hz=float(rng.choice([50.0, 60.0])),
        ),
        sensor=ImageSensor(
            full_well_electrons=float(np.exp(rng.uniform(np.log(1500), np.log(40000)))),
            read_noise_electrons=rng.uniform(2.0, 12.0),
        ),
        processing=CameraProcessing(
            gamma=rng.uniform(0.75, 1.3),
            gain=rng.uniform(0.75, 1.1),
            white_balance=(rng.uniform(-9, 9), rng.uniform(-9, 9)),
            saturation=rng.uniform(0.7, 1.25),
            denoise=denoise,
            sharpen=rng.uniform(0.2, 1.2) if rng.random() < 0.4 else 0.0,
            codec=str(codec),  # type: ignore[arg-type]
            quality=qualities[codec],
        ),
        pulse_ratio=float(np.exp(rng.uniform(np.log(0.6), np.log(1.8)))),
        face_delay_s=rng.uniform(-0.1, 0.15),
        head_scale=rng.uniform(0.72, 1.22),
        head_shift_px=(rng.uniform(-60, 60), rng.uniform(-12, 25)),
    )
