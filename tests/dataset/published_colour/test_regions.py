"""The regions of a face, on frames whose colours are known cell by cell."""

import numpy as np
import pytest

from dataset.face.box import FaceBox, enlarge
from dataset.face.frames import UNIT, face_colour
from dataset.published_colour.regions import REGIONS, region_colours

OWN = FaceBox(40, 30, 140, 150)         # the detector's own
BOX = enlarge(OWN)
SKIN_TONE, BLUE, HAIR = (200.0, 150.0, 130.0), (60.0, 80.0, 200.0), (40.0, 40.0, 40.0)


def frames_of(picture, count=3):
    """Return averaged frames of a (36, 36, 3) picture, in grey levels."""
    return np.repeat(np.rint(picture * UNIT).astype(np.uint16)[None], count, axis=0)


def filled(colour):
    return np.full((36, 36, 3), colour)


def cells(box, along):
    """Return the middle of each of the 36 cells as a part of the own box, along x or y."""
    first, length, own_first, own_length = (
        (box.left, box.width, OWN.left, OWN.width) if along == "x"
        else (box.top, box.height, OWN.top, OWN.height)
    )
    return (first + (np.arange(36) + 0.5) * length / 36 - own_first) / own_length


def colours_of(picture):
    (first, *others) = region_colours(frames_of(picture), BOX)
    assert all((other == first).all() or np.isnan(other).any() for other in others)
    return dict(zip(REGIONS, first, strict=True))


def test_a_face_of_one_colour_has_it_in_every_region():
    found = colours_of(filled(SKIN_TONE))
    for region in REGIONS:
        assert found[region] == pytest.approx(SKIN_TONE, abs=0.01)


def test_each_region_is_its_part_of_the_detector_s_box():
    x, y = cells(BOX, "x"), cells(BOX, "y")
    picture = np.zeros((36, 36, 3))
    picture[..., 0], picture[..., 1], picture[..., 2] = 100 + 20 * x, (100 + 20 * y)[:, None], 90
    found = colours_of(picture)
    assert found["centre"] == pytest.approx([110, 110, 90], abs=0.2)       # the middle of both
    assert found["forehead"] == pytest.approx([110, 103.8, 90], abs=0.2)   # 0.1 to 0.28 down
    assert found["centre"] == pytest.approx(face_colour(frames_of(picture), BOX)[0], abs=0.2)


def test_only_skin_is_in_the_mask():
    picture = filled(SKIN_TONE)
    x, y = cells(BOX, "x"), cells(BOX, "y")
    picture[(y > 0) & (y < 0.5)] = HAIR
    picture[:, (x > 0) & (x < 0.2)] = BLUE
    assert colours_of(picture)["skin"] == pytest.approx(SKIN_TONE, abs=0.01)
    assert colours_of(picture)["centre"] != pytest.approx(SKIN_TONE, abs=10)


@pytest.mark.parametrize("tone", [
    (241, 194, 170), (224, 172, 140), (198, 134, 100), (141, 85, 60), (92, 56, 42),
])
def test_skin_of_every_tone_in_white_light_is_skin(tone):
    assert colours_of(filled(tone))["skin"] == pytest.approx(tone, abs=0.01)


def test_where_nothing_is_skin_or_seen_there_is_no_colour():
    assert np.isnan(colours_of(filled(BLUE))["skin"]).all()
    found = colours_of(filled((0.0, 0.0, 0.0)))
    assert all(np.isnan(colour).all() for colour in found.values())
    assert region_colours(frames_of(filled(SKIN_TONE), 0), BOX).shape == (0, 3, 3)


def test_blocks_of_frames_are_joined_in_order():
    frames = frames_of(filled(SKIN_TONE), 300)
    frames[:, :, :, 1] += np.arange(300, dtype=np.uint16)[:, None, None]
    green = region_colours(frames, BOX)[:, 0, 1]
    assert np.diff(green) == pytest.approx(np.full(299, 1 / UNIT), abs=1e-4)
