"""Lossless video: bit for bit the same for every reader; a changed or missing frame is named."""

from pathlib import Path

import av
import cv2
import pytest

from acquire.errors import CurationError
from dataset.layouts.avi import CODECS, check_video, read_bgr
from dataset.layouts.pixel_hash import PixelHash
from dataset.layouts.ubfc import VIDEO
from tests.support.errors import refused
from tests.support.made_videos import pictures, write_video


@pytest.mark.parametrize("codec", CODECS)
@pytest.mark.parametrize(
    "size", [(34, 22), (33, 21), (64, 48)], ids=["rows of 102 bytes", "odd", "even"]
)
def test_video_is_bit_exact_for_every_reader(tmp_path, codec, size):
    path, frames = tmp_path / VIDEO, pictures(5, *size)
    pixels = write_video(path, frames, codec)
    check_video(path, pixels)
    assert [(a == b).all() for a, b in zip(read_bgr(path), frames, strict=True)] == [True] * 5
    capture = cv2.VideoCapture(str(path))
    for bgr in frames:
        found, picture = capture.read()
        assert found
        assert (picture == bgr).all()
    assert not capture.read()[0]
    assert capture.get(cv2.CAP_PROP_FRAME_COUNT) == 5
    assert capture.get(cv2.CAP_PROP_FPS) == pytest.approx(29.97)
    capture.release()


def test_rawvideo_is_bgr24(tmp_path):
    write_video(tmp_path / VIDEO, pictures(2))
    with av.open(str(tmp_path / VIDEO)) as container:
        assert container.streams.video[0].codec_context.name == "rawvideo"
        assert container.streams.video[0].codec_context.pix_fmt == "bgr24"


def test_the_hash_does_not_depend_on_the_codec(tmp_path):
    frames = pictures(3)
    assert (
        write_video(tmp_path / "a.avi", frames).hexdigest
        == write_video(tmp_path / "b.avi", frames, "ffv1").hexdigest
    )


def test_one_changed_pixel_is_found_and_its_frame_named(tmp_path):
    path = tmp_path / VIDEO
    pixels = write_video(path, pictures(5))
    content = bytearray(path.read_bytes())
    content[content.index(pictures(5)[3].tobytes()[:30])] ^= 1
    path.write_bytes(content)
    with pytest.raises(CurationError, match="found frame 3 different"):
        check_video(path, pixels)


def test_missing_and_added_frames_are_found(tmp_path):
    path = tmp_path / VIDEO
    write_video(path, pictures(4))
    for count, says in ((5, "expected 5 frames, found 4"), (3, "found frame 3 different")):
        pixels = PixelHash()
        for bgr in pictures(count):
            pixels.add(bgr)
        with pytest.raises(CurationError, match=says):
            check_video(path, pixels)


def test_a_full_disk_is_one_line():
    with pytest.raises(CurationError, match="expected to write"):
        write_video(Path("/dev/full"), pictures(400, 640, 360))


def test_a_truncated_video_that_still_plays(tmp_path):
    video = tmp_path / VIDEO
    write_video(video, pictures(30))
    video.write_bytes(video.read_bytes()[: -video.stat().st_size // 3])
    refused("expected a whole video, found 19 frames", video, lambda: list(read_bgr(video)))


@pytest.mark.parametrize(
    ("content", "says"),
    [
        pytest.param(None, "expected a video, found nothing", id="missing"),
        pytest.param(b"", "expected a whole video, found 0 frames", id="empty"),
        pytest.param(
            b"not a video at all", "expected a whole video, found 0 frames", id="not a video"
        ),
    ],
)
def test_no_video(tmp_path, content, says):
    video = tmp_path / VIDEO
    if content is not None:
        video.write_bytes(content)
    refused(says, video, lambda: list(read_bgr(video)))
