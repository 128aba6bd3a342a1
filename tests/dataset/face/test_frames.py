import tracemalloc
from pathlib import Path
from typing import get_args

import cv2
import numpy as np
import pytest

pytest.importorskip("torch")

import acquire
from acquire.data_folder import home_frames_cache
from acquire.errors import CurationError
from dataset.face.box import FaceBox, enlarge
from dataset.face.frames import (
    UNIT,
    FaceFrames,
    Motion,
    Pictures,
    average_face,
    average_faces,
    averaging_bytes,
    cut,
    difference,
    face_colour,
    motion,
    part_colours,
    read_face_frames,
    relative_change,
)
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


PLACES = [                          # of the detector's box, in a picture of 120x100
    pytest.param(FaceBox(0, 30, 40, 82), id="at the left edge"),
    pytest.param(FaceBox(81, 3, 120, 55), id="in a corner"),
    pytest.param(FaceBox(5, 46, 44, 98), id="a little into the other corner"),
]


def uncut(*, seed=0):
    """Return a picture of which the 120x100 pixels from (60, 60) are what a camera saw."""
    rng = np.random.default_rng(seed)
    small = rng.integers(20, 230, (55, 60, 3)).astype(np.uint8)
    return cv2.resize(small, (240, 220), interpolation=cv2.INTER_LINEAR)


@pytest.mark.parametrize("face", PLACES)
def test_a_face_near_the_edge_is_what_it_is_in_the_uncut_picture(face):
    box = enlarge(face)
    assert (box.width, box.height) == pytest.approx((1.6 * face.width, 1.6 * face.height), abs=1)
    whole = uncut()
    seen = average_face(whole[60:160, 60:180], box)
    moved = FaceBox(box.left + 60, box.top + 60, box.right + 60, box.bottom + 60)
    meant = average_face(whole, moved)
    is_whole = (average_face(np.full((100, 120, 3), 255, np.uint8), box) > 0).all(axis=2)
    is_at_edge = is_whole & ~cv2.erode(
        is_whole.astype(np.uint8), np.ones((3, 3)), borderValue=1
    ).astype(bool)
    assert 0.6 < is_whole.mean() < 0.95
    np.testing.assert_array_equal(seen[is_whole & ~is_at_edge], meant[is_whole & ~is_at_edge])
    assert not seen[~is_whole].any()                # not what is beside it, nor its noise
    # the cell on the picture's edge lacks what is beside the face
    colours = face_colour(seen[None], box), face_colour(meant[None], box)
    np.testing.assert_allclose(*colours, atol=0.15)


@pytest.mark.parametrize("face", PLACES)
def test_colours_are_of_the_detector_s_own_box(face):
    box = enlarge(face)
    ramp = np.zeros((100, 120, 3), np.uint8)
    ramp[:, :, 0], ramp[:, :, 1] = np.arange(120), np.arange(100)[:, None]
    ramp[face.top:face.bottom, face.left:face.right, 2] = 200
    colour = face_colour(average_face(ramp, box)[None], box)[0]
    # pixel centres: a box from 0 to 40 has its centre at 19.5
    assert colour[0] == pytest.approx((face.left + face.right - 1) / 2, abs=0.2)
    assert colour[1] == pytest.approx((face.top + face.bottom - 1) / 2, abs=0.2)
    assert colour[2] > 0.96 * 200                   # less only in cells that the box's edge cuts


def test_colours_of_a_face_that_is_cut_by_the_edge_are_of_the_part_in_the_picture():
    picture, box = np.full((100, 120, 3), (90, 70, 50), np.uint8), enlarge(FaceBox(-20, 30, 30, 90))
    averaged = average_face(picture, box)
    np.testing.assert_allclose(face_colour(averaged[None], box), [[90, 70, 50]])
    np.testing.assert_array_equal(motion(np.stack([averaged, averaged])), 0)


def test_a_box_beside_the_picture_is_a_mistake():
    with pytest.raises(ValueError, match="lies in the image"):
        average_face(np.zeros((100, 120, 3), np.uint8), FaceBox(130, 10, 150, 40))


def test_motion_has_unit_variance_and_follows_light():
    rng = np.random.default_rng(1)
    frames = rng.integers(20_000, 40_000, (40, 6, 6, 3)).astype(np.uint16)
    change = motion(frames)
    assert change.shape == (39, 6, 6, 3)
    assert change.dtype == np.float32
    assert change.std() == pytest.approx(1, abs=1e-4)
    # scale does not matter
    np.testing.assert_allclose(motion(frames // 2 * 2), motion(frames // 2), atol=1e-5)


def flickering(frames, *, side=36, seed=0):
    """Return frames of a scene that changes slowly, with noise."""
    rng = np.random.default_rng(seed)
    light = 1 + 0.2 * np.sin(np.arange(frames) / 40)[:, None, None, None]
    scene = rng.integers(8_000, 40_000, (side, side, 3))
    return (scene * light + rng.integers(0, 300, (frames, side, side, 3))).astype(np.uint16)


@pytest.mark.parametrize("frames", [2, 256, 257, 258, 700])
def test_changes_in_pieces_are_those_of_the_whole_video_to_the_last_bit(frames):
    video = flickering(frames, side=12)
    np.testing.assert_array_equal(motion(video), cut(relative_change(video)))
    values = video.astype(np.float32) / UNIT
    np.testing.assert_array_equal(difference(video), values[1:] - values[:-1])
    wholes = {
        "normalised": motion(video), "standardised": cut(difference(video)),
        "difference": difference(video),
    }
    assert set(wholes) == set(get_args(Motion))
    for kind, whole in wholes.items():
        np.testing.assert_array_equal(motion(video, kind), whole)
        kept = FaceFrames(video, FaceBox(0, 0, 12, 12), "", kind).motion()
        assert kept.dtype == np.float16
        np.testing.assert_array_equal(kept, motion(video, kind).astype(np.float16))


@pytest.mark.parametrize("kind", get_args(Motion))
def test_what_a_network_reads_of_a_long_video_takes_no_memory_but_its_own(kind):
    frames = FaceFrames(flickering(3000), FaceBox(0, 0, 36, 36), "", kind)
    tracemalloc.start()
    try:
        made = frames.motion(), frames.appearance()
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak - sum(array.nbytes for array in made) < 24e6       # one whole float32 array: 47e6


def test_frames_are_kept_once_while_they_are_made(monkeypatch, tmp_path):
    monkeypatch.setattr("dataset.face.frames.find_face", lambda *_, **__: FaceBox(0, 0, 36, 36))
    pictures = flickering(6, seed=1).astype(np.uint8)
    source = Pictures(lambda: (pictures[at % 6] for at in range(2100)), tmp_path, "0")
    tracemalloc.start()
    try:
        made = average_faces(source)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert made.frames.shape == (2100, 36, 36, 3)
    assert peak < 1.3 * made.frames.nbytes
    assert made.frames.nbytes < averaging_bytes(2100) < 2**29
    for at in (0, 255, 256, 2099):
        rgb = pictures[at % 6, :, :, ::-1].astype(np.uint16)
        np.testing.assert_array_equal(made.frames[at], rgb * UNIT)


def test_the_plain_difference_is_in_grey_levels_and_neither_cut_nor_scaled():
    frames = np.full((4, 6, 6, 3), 100 * UNIT, np.uint16)
    frames[1] += UNIT // 4                      # a quarter of a grey level brighter
    frames[2, 0, 0] += 90 * UNIT                # far beyond three standard deviations
    frames[:, 5, 5] = 0                         # left out: beside the picture
    frames[3, 4, 4] = 0                         # left out of one frame of the pair
    change = difference(frames)
    assert change.dtype == np.float32
    assert np.unique(change[0]).tolist() == [0, 0.25]
    assert change[1, 0, 0].tolist() == [89.75] * 3
    assert not change[:, 5, 5].any()
    assert not change[2, 4, 4].any()
    assert (change[1, 1:5, 1:4] == -0.25).all()


def test_motion_of_nothing_is_zero():
    assert (motion(np.zeros((3, 4, 4, 3), np.uint16)) == 0).all()


def test_outliers_are_cut():
    frames = np.full((400, 4, 4, 3), 20_000, np.uint16)
    frames[1::2] += 10
    frames[200:, 0, 0] += 20_000      # one huge step in one cell
    change = motion(frames)
    assert np.abs(change[199, 0, 0]).max() < 100 * np.abs(change[0, 1, 1]).max()


@pytest.mark.parametrize("name", ["frames", "frames/sessions"])
def test_nothing_is_kept_through_a_link_out_of_the_data_folder(tmp_path, monkeypatch, name):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "home"))
    outside = tmp_path / "outside"
    outside.mkdir()
    (tmp_path / "data").mkdir()
    (tmp_path / "data/cache").symlink_to(outside)
    video = write_portrait(tmp_path / "vid.avi")
    read_face_frames(video, cache=tmp_path / "data/cache" / name)
    assert not list(outside.iterdir())
    assert len(list(home_frames_cache().iterdir())) == 2


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


def test_the_colours_of_parts_are_in_rows_from_the_top_left():
    frames = np.zeros((2, 36, 36, 3), np.uint16)
    frames[1, 9:18, 27:36] = np.array([100, 50, 25]) * UNIT       # second row, last column
    parts = part_colours(frames)
    assert parts.shape == (2, 16, 3)
    assert parts[1, 7] == pytest.approx([100, 50, 25])
    assert parts.sum() == pytest.approx(175)
