"""What a person of the varied world looks like: the same in every session.

Sources
-------
Shapes, hair, texture, beards and how much features differ are assumptions: 10 to 14 % to either
side of the portrait's shape, which still is a face. Hair of types IV to VI is black or brown, of
all types sometimes grey.
"""

import re
import zlib
from dataclasses import dataclass, replace

import numpy as np

from .rendering.face import Appearance
from .rendering.skin import SKIN_TYPES, Skin

_HAIR_GAINS = {
    "black": (0.32, 0.30, 0.29), "brown": (0.60, 0.55, 0.50), "blond": (1.02, 0.98, 0.92),
    "grey": (0.74, 0.80, 0.94), "red": (0.78, 0.50, 0.38),
}


@dataclass(frozen=True)
class FaceShape:
    """Head, hair and skin from close up of one person."""

    width_ratio: float         # width over height, relative to the portrait, as all below
    jaw_width: float
    face_length: float         # from the eyes to the chin
    feature_px: float          # of the displacements that change the features
    texture: float             # of the skin, RMS
    beard: float               # 0 none to 1 full
    hair: str                  # its colour


def spread_evenly(subject_id: str, seed: int) -> tuple[float, float]:
    """Return two numbers in [0, 1); those of consecutive subjects are spread evenly in the square.

    Source: Roberts, "The unreasonable effectiveness of quasirandom sequences", 2018 (R2 sequence).
    """
    digits = re.search(r"(\d+)$", subject_id)
    n = int(digits.group(1)) if digits else zlib.crc32(subject_id.encode())
    start = np.random.default_rng([seed, 77]).random(2) if seed else np.array([0.5, 0.5])
    first, second = (start + n * np.array([0.7548776662466927, 0.5698402909980532])) % 1.0
    return float(first), float(second)


def draw_face_shape(rng: np.random.Generator, skin: Skin) -> FaceShape:
    """Draw the face of a person with this skin."""
    is_dark_haired = SKIN_TYPES.index(skin.type) >= SKIN_TYPES.index("IV")
    shares = [0.70, 0.20, 0.0, 0.10, 0.0] if is_dark_haired else [0.15, 0.40, 0.23, 0.14, 0.08]
    return FaceShape(
        width_ratio=rng.uniform(0.87, 1.13), jaw_width=rng.uniform(0.88, 1.14),
        face_length=rng.uniform(0.90, 1.12), feature_px=rng.uniform(1.5, 3.6),
        texture=float(np.exp(rng.uniform(np.log(0.004), np.log(0.06)))),
        beard=rng.uniform(0.15, 1.0) if rng.random() < 0.25 else 0.0,
        hair=str(rng.choice(list(_HAIR_GAINS), p=shares)),
    )


def apply_face(appearance: Appearance, shape: FaceShape, skin: Skin) -> Appearance:
    """Return an appearance with this face and skin; place, clothes and size stay."""
    return replace(
        appearance, skin_tone=skin.darkness, skin_rgb=skin.rgb,
        hair_gain=_HAIR_GAINS[shape.hair], width_ratio=shape.width_ratio,
        jaw_width=shape.jaw_width, face_length=shape.face_length, feature_px=shape.feature_px,
        texture=shape.texture, beard=shape.beard,
    )
