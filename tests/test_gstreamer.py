"""Real GStreamer pipelines behind the camera interface."""

import time

import numpy as np
import pytest

from acquire.camera import open_camera
from acquire.errors import DeviceError
from acquire.gstreamer import GstCamera, load_gst

pytestmark = pytest.mark.gstreamer

PACKAGES = (
    "apt-get install gstreamer1.0-plugins-base gstreamer1.0-plugins-good gir1.2-gstreamer-1.0 gir1.2-gst-plugins-base-1.0 "
    "libgirepository1.0-dev libcairo2-dev pkg-config"
)


def open_gst(pipeline, fps):
    return GstCamera(pipeline, name="gst", fps=fps)


@pytest.fixture(autouse=True)
def gst():
    try:
        return load_gst()
    except DeviceError as error:
        pytest.skip(f"{error}; {PACKAGES}")


def test_a_live_source_is_stamped_on_the_monotonic_clock():
    camera = open_gst("videotestsrc is-live=true ! video/x-raw,format=I420,width=640,height=360,framerate=25/1", 25)
    try:
        assert camera.info.image_shape == (540, 640)
        assert camera.info.fps == 25
        start_ns = time.monotonic_ns()
        camera.start(start_ns)
        frames = [camera.read(1.0) for _ in range(25)]
    finally:
        camera.close()
    times = np.array([frame.time_ns for frame in frames])
    assert times[0] >= start_ns
    assert [frame.sequence for frame in frames] == list(range(25))
    assert np.diff(times) == pytest.approx(4e7, abs=1e6)
    assert all(0 <= frame.arrival_ns - frame.time_ns < 5e8 for frame in frames)
    assert frames[0].image.std() > 10          # the test card, not a blank


def test_a_sensor_that_takes_its_time_does_not_spoil_the_camera():
    """An Uno's bootloader is silent for 1.6 s: the frames of that time are old, not wrong."""
    camera = open_gst("videotestsrc is-live=true ! video/x-raw,width=320,height=240,framerate=25/1", 25)
    time.sleep(1.8)
    start_ns = time.monotonic_ns()
    camera.start(start_ns)
    first = camera.read(1.0)
    camera.close()
    assert start_ns <= first.time_ns < start_ns + 2e8


def test_a_pipeline_without_a_frame_is_one_line():
    with pytest.raises(DeviceError, match="its stream ended"):
        open_gst("videotestsrc is-live=true num-buffers=0", 25)


def test_a_live_pipeline_that_ends_has_failed():
    """It is no file whose end is the end of a recording."""
    camera = open_gst("videotestsrc is-live=true num-buffers=10 ! video/x-raw,width=320,height=240,framerate=25/1", 25)
    camera.start(time.monotonic_ns())
    frames = []
    with pytest.raises(DeviceError, match="its stream ended"):
        frames.extend(iter(lambda: camera.read(1.0), None))
    camera.close()
    assert 5 <= len(frames) <= 10


def test_a_dropped_buffer_is_a_jump_in_the_sequence():
    camera = open_gst(
        "videotestsrc is-live=true ! video/x-raw,width=320,height=240,framerate=50/1 ! identity drop-probability=0.6", 50
    )
    assert camera.info.counts_frames
    camera.start(time.monotonic_ns())
    frames = [camera.read(1.0) for _ in range(30)]
    camera.close()
    sequence, times = (np.array([getattr(frame, name) for frame in frames]) for name in ("sequence", "time_ns"))
    assert sequence[0] == 0
    assert sequence[-1] > 45
    assert times - times[0] == pytest.approx(sequence * 2e7, abs=2e6)


def test_without_numbers_on_the_buffers_the_stamps_tell_them():
    camera = open_gst(
        "videotestsrc is-live=true ! video/x-raw,width=320,height=240,framerate=25/1 ! jpegenc ! jpegdec", 25
    )
    assert not camera.info.counts_frames
    camera.start(time.monotonic_ns())
    sequence = [camera.read(1.0).sequence for _ in range(10)]
    camera.close()
    assert sequence == list(range(10))


@pytest.mark.parametrize(
    ("pipeline", "message"),
    [
        ("nosuchelement", "nosuchelement"),
        ("videotestsrc ! fakesink ! nonsense", "expected a GStreamer pipeline"),
        ("filesrc location=/nowhere ! decodebin", "nowhere|No such file|Resource not found|not exist"),
        ("videotestsrc is-live=true ! video/x-raw,width=321,height=240", "multiple of 8"),
    ],
)
def test_a_pipeline_that_cannot_run_is_one_line(pipeline, message):
    with pytest.raises(DeviceError, match=message):
        open_camera(f"gst:{pipeline}", 25)
