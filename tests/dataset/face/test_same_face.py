"""One person's face is the same face in another light; another person's is not."""

import cv2
import numpy as np
import pytest

from dataset.face.box import FaceBox
from dataset.face.same_face import OTHER_FROM, SAME_BELOW, difference, look_at

FACE = FaceBox(50, 40, 150, 160)


def picture(person, *, shadow, seed=0):
    """Draw a face of which one side is in shadow, at some level of 8 bits, with noise."""
    rng = np.random.default_rng(person)
    pattern = 90 + rng.normal(0, 20, (7, 6, 1)) + rng.normal(0, 25, 3)
    image = cv2.resize(pattern, (200, 200), interpolation=cv2.INTER_CUBIC)
    image[:, :75] *= shadow / image[:, :75].mean()
    noise = np.random.default_rng(seed).normal(0, 1.5, image.shape)
    return np.clip(np.rint(image + noise), 0, 255).astype(np.uint8)


@pytest.mark.parametrize("shadows", [(2.5, 13.0), (60.0, 55.0)])
def test_what_is_black_tells_nobody_apart(shadows):
    one, same = (
        look_at(picture(1, shadow=shadow, seed=seed), FACE) for seed, shadow in enumerate(shadows)
    )
    assert difference(one, same) < SAME_BELOW
    other = look_at(picture(5, shadow=shadows[0]), FACE)
    assert difference(one, other) > OTHER_FROM
