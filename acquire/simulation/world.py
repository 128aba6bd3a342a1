"""A varied world to film virtual subjects in, drawn anew for each session from ranges that hold
real rooms and cameras.

A network that is trained on one simulator learns the simulator. One that is trained where light,
camera, motion and pulse are drawn at random, each beyond what is likely, has nothing to hold on to
but the pulse (Tobin et al., "Domain randomization for transferring deep neural networks from
simulation to the real world", IROS 2017). No range here was chosen by a real recording's result.

Sources of the ranges
---------------------
Pulse amplitude of green, 0.3 to 1.5 % of its mean over skin types: Wang et al., IEEE TBME 64(7),
2017. All others are assumptions: wide ranges about the usual world's values (`simulator`,
`virtual_motion`), none of them measured. Compression: Developer's sources in `virtual_film`.
"""

import zlib
from dataclasses import asdict, dataclass, field
from typing import Any, Literal

import numpy as np

from .camera_pipeline import Film
from .motion import Temper
from .renderer import Camera

WorldName = Literal["usual", "varied"]


@dataclass(frozen=True)
class World:
    """What one session is filmed in."""

    temper: Temper
    camera: Camera
    film: Film = field(default_factory=Film)
    pulse: float = 1.0             # of the face's pulse, relative to the subject's own
    delay_s: float = 0.0           # of the face's pulse, beside the subject's own
    scale: float = 1.0             # of the head in the picture, relative
    shift_px: tuple[float, float] = (0.0, 0.0)

    def parameters(self) -> dict:
        """Give everything drawn, to four digits, for the record."""
        return _rounded(asdict(self))


def _rounded(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _rounded(one) for name, one in value.items()}
    if isinstance(value, tuple):
        return [_rounded(one) for one in value]
    return float(f"{value:.4g}") if isinstance(value, float) else value


def draw_world(subject: str, *, seed: int, session: int) -> World:
    """Draw the varied world of one session."""
    rng = np.random.default_rng([zlib.crc32(subject.encode()), seed, 9, session])
    codec = rng.choice(["none", "mjpeg", "h264"], p=[0.3, 0.35, 0.35])
    quality = {"none": 0, "mjpeg": int(rng.integers(2, 9)), "h264": int(rng.integers(14, 27))}[
        codec
    ]
    denoise = rng.uniform(0.2, 0.65) if rng.random() < 0.4 else 0.0
    return World(
        temper=Temper(
            motion=float(np.exp(rng.uniform(np.log(0.2), np.log(2.5)))),
            speech=rng.uniform(0.0, 0.4), turns_per_min=rng.uniform(0.0, 8.0),
            light=float(np.exp(rng.uniform(np.log(0.2), np.log(3.0)))),
            flicker=float(np.exp(rng.uniform(np.log(0.0002), np.log(0.006)))),
            mains_hz=float(rng.choice([50.0, 60.0])),
        ),
        camera=Camera(
            electrons=float(np.exp(rng.uniform(np.log(1500), np.log(40000)))),
            read_electrons=rng.uniform(2.0, 12.0),
        ),
        film=Film(
            gamma=rng.uniform(0.75, 1.3),
            gain=rng.uniform(0.75, 1.1),
            warm=(rng.uniform(-9, 9), rng.uniform(-9, 9)),
            saturation=rng.uniform(0.7, 1.25),
            denoise=denoise,
            sharpen=rng.uniform(0.2, 1.2) if rng.random() < 0.4 else 0.0,
            codec=str(codec),  # type: ignore[arg-type]
            quality=quality,
        ),
        pulse=float(np.exp(rng.uniform(np.log(0.6), np.log(1.8)))),
        delay_s=rng.uniform(-0.1, 0.15),
        scale=rng.uniform(0.72, 1.22),
        shift_px=(rng.uniform(-60, 60), rng.uniform(-12, 25)),
    )
