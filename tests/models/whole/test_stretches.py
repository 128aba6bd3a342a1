"""Blocks of a long stretch against the whole of it."""

import tracemalloc

import numpy as np
import pytest

from dataset.face.box import FaceBox, enlarge
from dataset.face.frames import difference, face_colour, motion
from models.whole.stretches import BLOCK, StretchReader
from tests.support.live_scenes import RedOverGreen

BOX = enlarge(FaceBox(22, 12, 42, 36))


def averaged(count, seed=0):
    """Make frames of noise on a picture, the same 41 again and again, with a pulse."""
    rng = np.random.default_rng(seed)
    base = rng.integers(10_000, 30_000, (36, 36, 3))
    noisy = np.rint(base + rng.normal(0, 40, (41, 36, 36, 3))).astype(np.int16)
    beat = np.rint(60 * np.sin(2 * np.pi * 1.2 * np.arange(count) / 30)).astype(np.int16)
    for at in range(count):
        frame = noisy[at % 41].copy()
        frame[..., 0] += beat[at]
        frame[..., 1] -= beat[at]
        yield frame.view(np.uint16)


def read(count, kind="normalised"):
    reader = StretchReader(RedOverGreen(kind), BOX, "face found")
    for at, frame in enumerate(averaged(count)):
        reader.add(frame, at / 30, is_clear=True)
    return reader.end()


@pytest.mark.parametrize("kind", ["normalised", "standardised"])
@pytest.mark.parametrize("count", [1, 2, 300])
def test_a_stretch_is_read_as_training_reads_a_video(count, kind):
    stretch, frames = read(count, kind), np.stack(list(averaged(count)))
    assert stretch.colour == pytest.approx(face_colour(frames, BOX))
    assert stretch.time_s == pytest.approx(np.arange(count) / 30)
    expected = np.zeros(1)
    if count > 1:
        expected = np.append(0, RedOverGreen().predict(motion(frames, kind).transpose(0, 3, 1, 2)))
    assert stretch.changes == pytest.approx(expected, abs=1e-6)


def test_a_long_stretch_is_read_in_blocks_that_fit_together():
    count = 2 * BLOCK + 300
    stretch, frames = read(count), np.stack(list(averaged(count)))
    whole = np.append(0, RedOverGreen().predict(motion(frames).transpose(0, 3, 1, 2)))
    assert len(stretch.changes) == len(stretch.colour) == len(stretch.time_s) == count
    # the deviation is that of half a minute and more rather than of all
    assert stretch.changes == pytest.approx(whole, abs=0.01 * np.abs(whole).max())
    assert stretch.colour == pytest.approx(face_colour(frames, BOX))


@pytest.mark.parametrize("count", [2, 300, 2 * BLOCK + 300])
def test_plain_differences_are_those_of_training_however_long_the_stretch(count):
    changes = np.concatenate([
        np.zeros(1),
        RedOverGreen().predict(difference(np.stack(list(averaged(count)))).transpose(0, 3, 1, 2)),
    ])
    assert read(count, "difference").changes == pytest.approx(changes, abs=1e-6)
    assert np.ptp(changes) > 0.1 or count == 2


def test_of_a_longer_stretch_no_more_frames_are_kept():
    reader, kept = StretchReader(RedOverGreen(), BOX, ""), []
    frame = next(averaged(1))
    tracemalloc.start()
    for at in range(4 * BLOCK):
        reader.add(frame, at / 30, is_clear=True)
        if at + 1 in (3 * BLOCK, 4 * BLOCK):
            kept.append(tracemalloc.get_traced_memory()[0])
    tracemalloc.stop()
    assert kept[1] - kept[0] < 400 * BLOCK          # bytes a frame; 7,776 with its picture
