"""A published video is read upright and in the colours that it states, and what it is is named."""

import av
import numpy as np
import pytest

from acquire.errors import CurationError
from dataset.public.read_video import open_video, read_header


def write(path, kind, codec, pixel_format, *, matrix=(1, 0, 0, 1)):
    """Write three frames, dark on the left as stored; give the RGB of one."""
    rgb = np.full((48, 64, 3), (180, 120, 90), np.uint8)
    rgb[:, :32] = (60, 80, 100)
    with av.open(str(path), "w", format=kind) as container:
        stream = container.add_stream(codec, rate=25)
        stream.width, stream.height, stream.pix_fmt = 64, 48, pixel_format
        for _ in range(3):
            frame = av.VideoFrame.from_ndarray(rgb, format="rgb24")
            container.mux(stream.encode(frame.reformat(format=pixel_format)))
        container.mux(stream.encode(None))
    if matrix != (1, 0, 0, 1):
        content = bytearray(path.read_bytes())
        at = content.index(b"tkhd") + 44
        a, b, c, d = (value << 16 for value in matrix)
        content[at : at + 36] = np.array([a, b, 0, c, d, 0, 0, 0, 1 << 30], ">i4").tobytes()
        path.write_bytes(content)
    return rgb


def read(path):
    defects = []
    header = read_header(path, defects)
    video = open_video(header, None, defects)
    return header, [picture.rgb for picture in video.pictures], defects


def test_a_turned_video_becomes_upright_and_is_named(tmp_path):
    path = tmp_path / "vid.avi"               # whatever it is called, its content says what it is
    rgb = write(path, "mov", "png", "rgb24", matrix=(0, -1, 1, 0))
    header, pictures, defects = read(path)
    assert (header.width, header.height) == (48, 64)
    assert all((picture == np.rot90(rgb)).all() for picture in pictures)
    assert defects == ["vid.avi is turned clockwise by 270 degrees, as it states"]


def test_full_range_video_has_the_right_colours_and_is_named(tmp_path):
    rgb = write(tmp_path / "vid.avi", "avi", "mjpeg", "yuvj420p")
    _, pictures, defects = read(tmp_path / "vid.avi")
    assert len(pictures) == 3
    for half in (np.s_[:, :24], np.s_[:, 40:]):
        assert pictures[0][half].mean((0, 1)) == pytest.approx(rgb[half].mean((0, 1)), abs=2.5)
    assert len(defects) == 1
    assert defects[0].startswith("vid.avi holds yuvj420p, BT.601")
    assert defects[0].endswith("full range, not the published BGR24; converted to RGB")


def test_the_published_bgr_has_no_defect(tmp_path):
    rgb = write(tmp_path / "vid.avi", "avi", "rawvideo", "bgr24")
    header, pictures, defects = read(tmp_path / "vid.avi")
    assert (header.width, header.height, header.fps, defects) == (64, 48, 25.0, [])
    assert all((picture == rgb).all() for picture in pictures)


def test_a_raw_stream_says_no_rate_and_is_refused(tmp_path):
    write(tmp_path / "vid.avi", "mjpeg", "mjpeg", "yuvj420p")
    with pytest.raises(CurationError, match="frames/s, found raw mjpeg, which says none"):
        read(tmp_path / "vid.avi")
