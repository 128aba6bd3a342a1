"""Face and camera: each fault of the pictures is flagged where it is."""

import shutil
from dataclasses import replace

import h5py
import numpy as np
import pytest

from dataset.face.quick_look import spot_face
from dataset.quality.video import patch_colours
from dataset.session.reader import Session
from tests.support.quality_sessions import flag_kinds, measure_quality

pytestmark = pytest.mark.xdist_group("one clean session")


def test_each_fault_of_the_pictures_is_flagged_where_it_is(virtual, tmp_path):
    """Frozen from 2 s, brighter from 8 s, no face from 14 s, dark from 24 s, grey from 35 s."""
    path = tmp_path / "S03-faulty.h5"
    shutil.copy(virtual.path, path)
    with h5py.File(path, "r+") as file:
        frames = file["video/frames"]

        def put(i, image):
            # uncompressed
            frames.id.write_direct_chunk((i, 0, 0), image.astype(np.uint8).tobytes(), filter_mask=1)

        rows = frames.shape[1] * 2 // 3
        for i in range(51, 57):
            put(i, frames[50])
        for i in range(200, 225):
            image = frames[i].astype(float)
            image[:rows] *= 1.1
            put(i, np.clip(image, 16, 235))
        blank = np.full(frames.shape[1:], 128, np.uint8)
        for i in range(350, 450):
            put(i, blank + (np.arange(blank.size).reshape(blank.shape) * 7 + i) % 2)
        for i in range(600, 860):
            image = frames[i]
            image[:rows] = 16 + (image[:rows] - 16.0) * 0.08
            put(i, image)
        for i in range(875, 1050):
            image = frames[i]
            image[rows:] = 128
            put(i, image)
    quality = measure_quality(path)
    flags = {flag.kind: flag for flag in reversed(quality.flags)}         # of several the first
    steps = [flag for flag in quality.flags if flag.kind == "exposure_step"]
    assert (
        flags["frozen_frames"].value, flags["frozen_frames"].from_s, flags["frozen_frames"].to_s,
    ) == (6, 2.0, 2.3)
    assert any(
        flag.from_s <= 8 <= flag.to_s and flag.value == pytest.approx(10, abs=2) for flag in steps
    )
    assert 14 <= flags["face_missing"].from_s <= 15
    assert 18 <= flags["face_missing"].to_s <= 19
    assert 20 <= flags["face_dark"].from_s <= 24.1
    assert 34 <= flags["face_dark"].to_s <= 39
    assert flags["face_colourless"].from_s >= 30
    assert flags["face_colourless"].value == pytest.approx(1.0, abs=0.02)
    assert quality.grade != "good"


def test_a_camera_that_shows_every_frame_twice_is_flagged(virtual, monkeypatch):
    repeats = np.arange(len(virtual.pictures.repeats)) % 2 == 1
    monkeypatch.setattr(
        "dataset.quality.measure.scan_frames",
        lambda session: replace(virtual.pictures, repeats=repeats),
    )
    quality = measure_quality(virtual.path)
    assert flag_kinds(quality) == {"repeated_frames"}
    (flag,) = (flag for flag in quality.flags if flag.kind == "repeated_frames")
    assert (flag.kind, flag.severity) == ("repeated_frames", "warning")
    assert flag.value == pytest.approx(50, abs=0.1)


def test_pictures_in_rgb_have_the_colours_of_those_in_i420(virtual):
    with Session(virtual.path) as session:
        image = session.frames[100]
        stored = session.frames.raw(100)
    box = spot_face(stored[:360])
    as_i420 = patch_colours(stored, box, "I420", 360)
    as_rgb = patch_colours(image, box, "RGB", 360)
    assert as_i420 == pytest.approx(as_rgb, abs=1.0)
