from pathlib import Path

import cv2
import numpy as np
import pytest

pytest.importorskip("torch")

import acquire
from acquire.errors import CurationError
from dataset.face.box import FaceBox
from dataset.face.frames import UNIT, average_face, motion, read_face_frames
from dataset.layouts.avi import VideoWriter

PORTRAIT = Path(acquire.__file__).parent / "simulation" / "portrait" / "astronaut.png"


def write_portrait(path, *, frames=12, lift=lambda index: 0, face=True):
    """Write a video of the portrait, 256x192, brightened by `lift(index)` grey levels."""
    picture = cv2.resize(cv2.imread(str(PORTRAIT))[:384], (256, 192), interpolation=cv2.INTER_AREA)
    if not face:
        picture = np.full_like(picture, 90)
    with VideoWriter(path, codec="rawvideo", width=256, height=192, fps=25) as video:
        for index in range(frames):
            video.add(np.clip(picture.astype(int) + lift(index), 0, 255).astype(np.uint8))
    return path


def test_average_keeps_less_than_a_grey_level():
    image = np.full((180, 180, 3), 100, np.uint8)
    # one pixel in 25: 0.04 grey levels, one fiftieth of what 8 bits could tell
    image[::5, ::5] += 1
    small = average_face(image, FaceBox(0, 0, 180, 180))
    assert small.shape == (36, 36, 3)
    np.testing.assert_allclose(small / UNIT, 100.04, atol=0.5 / UNIT + 1e-4)


def test_average_looks_inside_the_box_only():
    image = np.zeros((100, 100, 3), np.uint8)
    image[20:80, 30:70] = (10, 20, 30)
    small = average_face(image, FaceBox(30, 20, 70, 80))
    assert (small == np.array([10, 20, 30]) * UNIT).all()


def test_average_weighs_parts_of_pixels():
    # Rows of 240 and 0 by turns, 54 / 36 = 1.5 to a cell: 240 + 0/2, 0/2 + 240, 0 + 240/2, 240/2 +
    # 0, and again.
    image = np.zeros((54, 54, 3), np.uint8)
    image[::2] = 240
    small = average_face(image, FaceBox(0, 0, 54, 54))[:, 0, 0] / UNIT
    np.testing.assert_allclose(small[:5], [160, 160, 80, 80, 160], atol=0.01)


def test_motion_has_unit_variance_and_follows_light():
    rng = np.random.default_rng(1)
    frames = rng.integers(20_000, 40_000, (40, 6, 6, 3)).astype(np.uint16)
    change = motion(frames)
    assert change.shape == (39, 6, 6, 3)
    assert change.dtype == np.float32
    assert change.std() == pytest.approx(1, abs=1e-4)
    # scale does not matter
    np.testing.assert_allclose(motion(frames // 2 * 2), motion(frames // 2), atol=1e-5)


def test_motion_of_nothing_is_zero():
    assert (motion(np.zeros((3, 4, 4, 3), np.uint16)) == 0).all()


def test_outliers_are_cut():
    frames = np.full((400, 4, 4, 3), 20_000, np.uint16)
    frames[1::2] += 10
    frames[200:, 0, 0] += 20_000      # one huge step in one cell
    change = motion(frames)
    assert np.abs(change[199, 0, 0]).max() < 100 * np.abs(change[0, 1, 1]).max()


def test_second_time_comes_from_the_cache(tmp_path):
    video = write_portrait(tmp_path / "vid.avi")
    first = read_face_frames(video, cache=tmp_path / "cache")
    stored = sorted((tmp_path / "cache").iterdir())
    assert [p.suffix for p in stored] == [".json", ".npy"]
    np.save(stored[1], np.asarray(first.frames) + 1)     # a mark, to see who is read
    again = read_face_frames(video, cache=tmp_path / "cache")
    assert again.box == first.box
    assert again.video_sha256 == first.video_sha256
    np.testing.assert_array_equal(again.frames, np.asarray(first.frames) + 1)


@pytest.mark.parametrize(
    "damage",
    [
        pytest.param(
            lambda json, npy: npy.write_bytes(npy.read_bytes()[:1000]), id="array cut short"
        ),
        pytest.param(lambda json, npy: npy.write_bytes(b""), id="array empty"),
        pytest.param(lambda json, npy: json.unlink(), id="description gone"),
        pytest.param(lambda json, npy: json.write_text("{"), id="description cut short"),
        pytest.param(lambda json, npy: json.write_text("[]"), id="description of something else"),
        pytest.param(lambda json, npy: json.write_text("[" * 9000), id="description nested deep"),
        pytest.param(lambda json, npy: np.save(npy, np.zeros((3, 3))), id="another array"),
    ],
)
def test_a_damaged_cache_is_no_cache(tmp_path, damage):
    video = write_portrait(tmp_path / "vid.avi")
    first = read_face_frames(video, cache=tmp_path / "cache")
    damage(*sorted((tmp_path / "cache").iterdir()))
    again = read_face_frames(video, cache=tmp_path / "cache")
    assert again.box == first.box
    np.testing.assert_array_equal(again.frames, first.frames)
    np.testing.assert_array_equal(np.load(sorted((tmp_path / "cache").iterdir())[1]), first.frames)


def test_another_video_is_another_key(tmp_path):
    read_face_frames(write_portrait(tmp_path / "vid.avi"), cache=tmp_path / "cache")
    other = read_face_frames(
        write_portrait(tmp_path / "vid.avi", lift=lambda i: i % 2), cache=tmp_path / "cache"
    )
    assert len(list((tmp_path / "cache").glob("*.npy"))) == 2
    steps = np.diff((other.frames / UNIT).mean(axis=(1, 2, 3)))
    np.testing.assert_allclose(np.abs(steps), 1, atol=0.02)


def test_colours_are_rgb(tmp_path):
    frames = read_face_frames(write_portrait(tmp_path / "vid.avi"))
    middle = frames.frames[0, 12:24, 12:24].mean(axis=(0, 1))
    assert middle[0] > middle[1] > middle[2]     # skin


def test_no_face_names_the_video(tmp_path):
    with pytest.raises(CurationError, match=r"vid\.avi"):
        read_face_frames(write_portrait(tmp_path / "vid.avi", face=False), cache=tmp_path / "cache")
    assert not (tmp_path / "cache").exists()


def test_missing_video(tmp_path):
    with pytest.raises(CurationError, match=r"gone\.avi"):
        read_face_frames(tmp_path / "gone.avi")
