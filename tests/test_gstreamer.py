"""Real GStreamer pipelines behind the camera interface."""

import time

import numpy as np
import pytest

from acquire.camera import open_camera
from acquire.devices import EndOfStream
from acquire.errors import DeviceError
from acquire.gstreamer import load_gst

pytestmark = pytest.mark.gstreamer

PACKAGES = (
    "apt-get install gstreamer1.0-plugins-base gstreamer1.0-plugins-good gir1.2-gstreamer-1.0 gir1.2-gst-plugins-base-1.0 "
    "libgirepository1.0-dev libcairo2-dev pkg-config"
)


@pytest.fixture(autouse=True)
def gst():
    try:
        return load_gst()
    except DeviceError as error:
        pytest.skip(f"{error}; {PACKAGES}")


def test_a_live_source_is_stamped_on_the_monotonic_clock():
    camera = open_camera("gst:videotestsrc is-live=true ! video/x-raw,format=I420,width=640,height=360,framerate=25/1", 25)
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
    camera = open_camera("gst:videotestsrc is-live=true ! video/x-raw,width=320,height=240,framerate=25/1", 25)
    time.sleep(1.8)
    start_ns = time.monotonic_ns()
    camera.start(start_ns)
    first = camera.read(1.0)
    camera.close()
    assert start_ns <= first.time_ns < start_ns + 2e8


def test_a_pipeline_without_a_frame_is_one_line():
    with pytest.raises(DeviceError, match="ended before the start"):
        open_camera("gst:videotestsrc is-live=true num-buffers=0", 25)


def test_a_pipeline_that_ends_ends_the_stream():
    camera = open_camera("gst:videotestsrc is-live=true num-buffers=10 ! video/x-raw,width=320,height=240,framerate=25/1", 25)
    camera.start(time.monotonic_ns())
    frames = 0
    try:
        while camera.read(1.0) is not None:
            frames += 1
    except EndOfStream:
        assert 5 <= frames <= 10
    else:
        pytest.fail("expected the end of the stream, found silence")
    finally:
        camera.close()


def test_a_dropped_buffer_is_a_jump_in_the_sequence():
    camera = open_camera(
        "gst:videotestsrc is-live=true ! video/x-raw,width=320,height=240,framerate=50/1 ! identity drop-probability=0.3", 50
    )
    camera.start(time.monotonic_ns())
    sequence = [camera.read(1.0).sequence for _ in range(40)]
    camera.close()
    assert sequence[-1] > 45
    assert (np.diff(sequence) >= 1).all()


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
