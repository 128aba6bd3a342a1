"""A file played in real time: every frame, bit by bit, at its own time."""

import time

import av
import numpy as np
import pytest

from acquire.camera.frame_times import read_frame_times
from acquire.camera.open import open_camera
from acquire.camera.source import EndOfStream
from acquire.errors import DeviceError


def write_video(path, frames, *, pixels="yuv420p", codec="ffv1"):
    with av.open(str(path), "w") as container:
        stream = container.add_stream(codec, rate=25)
        stream.width, stream.height, stream.pix_fmt = 64, 48, pixels
        for image in frames:
            frame = av.VideoFrame.from_ndarray(
                image, format="yuv420p" if image.ndim == 2 else "rgb24"
            )
            container.mux(stream.encode(frame))
        container.mux(stream.encode())


def noise(count, shape=(72, 64)):
    return np.random.default_rng(0).integers(0, 256, (count, *shape), dtype=np.uint8)


def play(spec):
    camera = open_camera(spec, 25)
    start_ns = time.monotonic_ns()
    camera.start(start_ns)
    frames = []
    try:
        while True:
            frame = camera.read(0.5)
            if frame is not None:
                frames.append(frame)
    except EndOfStream:
        return camera.info, start_ns, frames
    finally:
        camera.close()


def test_each_frame_comes_at_its_own_time_and_untouched(tmp_path):
    images, times = noise(20), 1.7e9 + np.cumsum(np.tile([0.03, 0.05], 10))
    write_video(tmp_path / "v.mkv", images)
    (tmp_path / "t.csv").write_text(
        "frame,timestamp\n" + "".join(f"{i},{t!r}\n" for i, t in enumerate(times.tolist()))
    )
    info, start_ns, frames = play(f"replay:{tmp_path}/v.mkv?times={tmp_path}/t.csv")
    assert info.pixel_format == "I420"
    assert info.fps == pytest.approx(25, rel=0.02)
    assert [frame.sequence for frame in frames] == list(range(20))
    for frame, image in zip(frames, images, strict=True):
        assert (frame.image == image).all()
        assert frame.arrival_ns >= frame.time_ns
    offsets = np.array([frame.time_ns - start_ns for frame in frames]) / 1e9
    assert offsets == pytest.approx(times - times[0], abs=1e-6)


def test_without_times_the_container_s_count(tmp_path):
    write_video(tmp_path / "v.mkv", noise(10))
    _, start_ns, frames = play(f"replay:{tmp_path}/v.mkv")
    assert np.array([f.time_ns - start_ns for f in frames]) / 1e9 == pytest.approx(
        np.arange(10) / 25, abs=2e-3
    )


def test_what_is_not_yuv420p_is_recorded_as_rgb(tmp_path):
    images = noise(3, (48, 64, 3))
    write_video(tmp_path / "v.avi", images, pixels="bgr0")
    info, _, frames = play(f"replay:{tmp_path}/v.avi")
    assert info.pixel_format == "RGB"
    assert all((frame.image == image).all() for frame, image in zip(frames, images, strict=True))


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        pytest.param("0\n40\n80\n", "median step", id="milliseconds"),
        pytest.param("0\n0.04\n0.04\n", "0.04 in line 4, not later", id="not increasing"),
        pytest.param("0\nx\n0.08\n", "'x' in line 3; 1 such lines of 3", id="no number"),
    ],
)
def test_times_that_cannot_be_are_refused(tmp_path, rows, message):
    (tmp_path / "t.csv").write_text("timestamp\n" + rows)
    with pytest.raises(DeviceError, match=message):
        read_frame_times(tmp_path / "t.csv")


def test_times_of_another_video_are_refused(tmp_path):
    write_video(tmp_path / "v.mkv", noise(5))
    (tmp_path / "t.csv").write_text("timestamp\n0\n0.04\n0.08\n")
    with pytest.raises(DeviceError, match=r"each of the 5 frames .* found 3"):
        open_camera(f"replay:{tmp_path}/v.mkv?times={tmp_path}/t.csv", 25)


@pytest.mark.parametrize(
    "spec",
    ["nonsense", "replay:", "replay:/nowhere.mkv", "uvc:/dev/video_none", "replay:x?speed=2"],
)
def test_a_camera_that_is_not_there_is_one_line(spec):
    with pytest.raises(DeviceError, match="expected"):
        open_camera(spec, 25)
