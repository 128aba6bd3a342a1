"""What a skin shows close up: grain, blotches, moles, a beard; in the portrait's pixels."""

import cv2
import numpy as np


def smooth_field(rng: np.random.Generator, shape: tuple[int, ...], cell_px: int) -> np.ndarray:
    """Draw a smooth random field of mean 0 and RMS 1: (rows, columns) float32."""
    rows, columns = shape[:2]
    coarse = rng.standard_normal((rows // cell_px + 3, columns // cell_px + 3), dtype=np.float32)
    field = cv2.resize(coarse, (columns, rows), interpolation=cv2.INTER_CUBIC)
    field -= field.mean()
    return field / field.std()


def with_texture(rgb: np.ndarray, strength: float, seed: int) -> np.ndarray:
    """Return skin, (H, W, 3), with grain, brighter and darker blotches, redder ones and moles.

    Parameters
    ----------
    strength : of grain and blotches together, RMS, relative
    """
    rng = np.random.default_rng([seed, 1])
    rows, columns = rgb.shape[:2]
    grain = cv2.GaussianBlur(
        rng.standard_normal((rows, columns), dtype=np.float32), (0, 0), 0.8)
    blotches = smooth_field(rng, rgb.shape, 10)
    red = smooth_field(rng, rgb.shape, 22)
    bright = 1 + strength * (0.6 * grain / grain.std() + 0.7 * blotches)
    colour = 0.4 * strength * red[..., None] * np.array([0.6, -1.0, -0.6], dtype=np.float32)
    spots = np.ones((rows, columns), dtype=np.float32)
    for _ in range(rng.integers(0, 7)):
        x, y = round(rng.uniform(180, 272)), round(rng.uniform(70, 178))
        cv2.circle(spots, (x, y), int(rng.integers(1, 3)), float(rng.uniform(0.45, 0.8)), -1)
    spots = cv2.GaussianBlur(spots, (0, 0), 0.7)
    return rgb * (bright * spots)[..., None] * (1 + colour)


def with_beard(
    rgb: np.ndarray, cover: np.ndarray, hair_gain: np.ndarray, seed: int
) -> np.ndarray:
    """Return the portrait with hair over a part of the face; `cover`, (H, W), is 0 to 1."""
    rng = np.random.default_rng([seed, 2])
    grain = cv2.GaussianBlur(
        rng.standard_normal(cover.shape, dtype=np.float32), (0, 0), 0.7)
    hair = (55.0 + 22.0 * grain / grain.std())[..., None] * hair_gain
    return rgb + (np.maximum(hair, 8.0) - rgb) * (0.85 * cover)[..., None]
