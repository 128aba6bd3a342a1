"""Real GStreamer pipelines behind the camera interface."""

import time
from itertools import pairwise

import av
import h5py
import numpy as np
import pytest

from acquire import layout
from acquire.camera.exposure import NOT_CONTROLLED
from acquire.camera.gstreamer import GstCamera, _in_words, load_gst
from acquire.camera.open import open_camera
from acquire.camera.reconnecting import ReconnectingCamera
from acquire.camera.source import EndOfStream
from acquire.errors import DeviceError, StampError
from acquire.recorder.recorder import Recorder
from acquire.sensor.port import Sensor
from dataset.session.reader import Session
from tests.support.fakes import FakeSensor

TEST = "videotestsrc name=acq-source is-live=true ! video/x-raw,width=320,height=240,framerate=25/1"

pytestmark = pytest.mark.gstreamer

PACKAGES = (
    "apt-get install gstreamer1.0-plugins-base gstreamer1.0-plugins-good gir1.2-gstreamer-1.0 "
    "gir1.2-gst-plugins-base-1.0 "
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
    camera = open_gst(
        "videotestsrc is-live=true ! video/x-raw,format=I420,width=640,height=360,framerate=25/1",
        25,
    )
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
    camera = open_gst(
        "videotestsrc is-live=true ! video/x-raw,width=320,height=240,framerate=25/1", 25
    )
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
    camera = open_gst(
        "videotestsrc is-live=true num-buffers=10 ! "
        "video/x-raw,width=320,height=240,framerate=25/1",
        25,
    )
    camera.start(time.monotonic_ns())
    frames = []
    with pytest.raises(DeviceError, match="its stream ended"):
        frames.extend(iter(lambda: camera.read(1.0), None))
    camera.close()
    assert 5 <= len(frames) <= 10


def test_a_dropped_buffer_is_a_jump_in_the_sequence():
    camera = open_gst(
        "videotestsrc is-live=true ! video/x-raw,width=320,height=240,framerate=50/1 ! identity "
        "drop-probability=0.6",
        50,
    )
    assert camera.info.counts_frames
    camera.start(time.monotonic_ns())
    frames = [camera.read(1.0) for _ in range(30)]
    camera.close()
    sequence, times = (
        np.array([getattr(frame, name) for frame in frames]) for name in ("sequence", "time_ns")
    )
    assert sequence[0] == 0
    assert sequence[-1] > 45
    assert times - times[0] == pytest.approx(sequence * 2e7, abs=2e6)


def test_without_numbers_on_the_buffers_the_stamps_tell_them():
    camera = open_gst(
        "videotestsrc is-live=true ! video/x-raw,width=320,height=240,framerate=25/1 ! jpegenc ! "
        "jpegdec",
        25,
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
        (
            "filesrc location=/nowhere ! decodebin",
            "nowhere|No such file|Resource not found|not exist",
        ),
        ("videotestsrc is-live=true ! video/x-raw,width=321,height=240", "multiple of 8"),
    ],
)
def test_a_pipeline_that_cannot_run_is_one_line(pipeline, message):
    with pytest.raises(DeviceError, match=message):
        open_camera(f"gst:{pipeline}", 25)


def read_through(camera, until, give_up_s=12.0):
    """Read through silences until a frame satisfies `until`."""
    frames, give_up = [], time.monotonic() + give_up_s
    while time.monotonic() < give_up:
        frame = camera.read(0.1)
        if frame is not None:
            frames.append(frame)
            if until(frame):
                return frames
    raise AssertionError(f"no such frame among {len(frames)} in {give_up_s} s")


def test_a_pipeline_that_stalls_is_opened_again_after_a_second_with_the_loss_counted_to_a_frame():
    opened = []

    def opener(_):
        opened.append(GstCamera(f"{TEST} ! valve name=valve", name="gst", fps=25))
        return opened[-1]

    camera = ReconnectingCamera(opener, asked_fps=25, measure_s=0.2)
    camera.start(time.monotonic_ns())
    frames = [camera.read(1.0) for _ in range(10)]
    opened[0]._pipeline.get_by_name("valve").set_property("drop", True)
    frames += read_through(camera, lambda frame: frame.note is not None)
    frames += [camera.read(1.0) for _ in range(10)]
    camera.close()
    assert len(opened) == 2
    sequence, times = (
        np.array([getattr(frame, name) for frame in frames]) for name in ("sequence", "time_ns")
    )
    gap = int(np.argmax(np.diff(sequence)))
    assert np.diff(sequence)[gap] >= 25
    assert np.abs((times - times[0]) / 4e7 - sequence).max() <= 0.6
    kind, text = frames[gap + 1].note
    assert kind == "camera_reopened"
    assert f"{np.diff(sequence)[gap] - 1} frames missed; no frame for 1 s" in text


def test_a_live_pipeline_that_ends_is_opened_again_at_once():
    camera = ReconnectingCamera(
        lambda _: open_gst(TEST.replace("is-live", "num-buffers=20 is-live"), 25), asked_fps=25,
        measure_s=0.2,
    )
    camera.start(time.monotonic_ns())
    frames = read_through(camera, lambda frame: frame.note is not None)
    camera.close()
    assert "its stream ended" in frames[-1].note[1]
    assert frames[-1].time_ns - frames[-2].time_ns < 1e9


def test_a_pipeline_that_repeats_its_frames_is_flagged():
    camera = ReconnectingCamera(
        lambda _: open_gst(f"{TEST} ! videorate ! video/x-raw,framerate=50/1", 50), asked_fps=50,
        measure_s=0.2,
    )
    camera.start(time.monotonic_ns())
    frames = [camera.read(1.0) for _ in range(21)]
    camera.close()
    flagged = [frame.note is not None and frame.note[0] == "identical_frames" for frame in frames]
    assert 9 <= sum(flagged) <= 11
    assert not any(a and b for a, b in pairwise(flagged))


def test_a_pipeline_of_the_user_s_own_is_measured_and_left_alone():
    camera = open_camera(f"gst:{TEST}", 25)
    camera.close()
    assert camera.info.exposure == NOT_CONTROLLED
    assert camera.info.complaints == []
    assert camera.info.rate.fps == pytest.approx(25, abs=0.1)
    assert camera.info.rate.span_s >= 1.5


def test_stamps_of_another_clock_are_refused_with_the_reason():
    """A file without clocksync is there at once, so that its later frames are in the future."""
    with pytest.raises(
        StampError, match=r"CLOCK_MONOTONIC, found a stamp -?\d+\.\d s off it; .* live"
    ):
        open_gst(
            "videotestsrc timestamp-offset=2000000000 ! "
            "video/x-raw,width=320,height=240,framerate=25/1",
            25,
        )
    camera = open_camera("gst:videotestsrc ! video/x-raw,width=320,height=240,framerate=25/1", 25)
    with pytest.raises(
        StampError, match=r"found it 1\.\d s ahead; put clocksync behind its decoder"
    ):
        read_through(camera, lambda frame: False)
    camera.close()


def test_a_source_s_controls_are_locked_where_it_has_them_and_named_where_not():
    """A test source has no exposure; what it has stands for it."""
    camera = GstCamera(
        TEST, name="csi", fps=25,
        locks=({"kx": 3, "awb-enable": False}, ("pattern", "exposure-time")),
    )
    element = camera._pipeline.get_by_name("acq-source")
    try:
        assert element.get_property("kx") == 3
        assert camera.info.exposure["settled"].startswith("steady after 1.")
        assert camera.info.exposure == {
            "control": "not locked: awb-enable did not take, so either may change while recording",
            "asked": {"kx": 3, "awb-enable": False},
            "answered": {"kx": 3, "pattern": str(element.get_property("pattern"))},
            "refused": ["awb-enable"],
            "settled": camera.info.exposure["settled"],
        }
    finally:
        camera.close()


def test_a_camera_opened_again_that_told_its_exposure_need_not_settle():
    """`ky` stands for an exposure time."""
    earlier = {"answered": {"ky": 7}}
    first = GstCamera(TEST, name="csi", fps=25, locks=({}, ("ky",)), earlier=earlier)
    first.close()
    assert first.info.exposure == {
        "control": "locked", "asked": {"ky": 7}, "answered": {"ky": 7}, "refused": [],
        "settled": "as before",
    }


def test_a_source_s_formats_are_said_in_words(gst):
    caps = gst.Caps.from_string(
        "video/x-raw, format=YUY2, width=640, height=360, framerate={ (fraction)30/1, "
        "(fraction)15/1 }"
    )
    assert _in_words(caps.get_structure(0)) == "video/x-raw YUY2 640x360 at { 30, 15 }"
    assert (
        _in_words(gst.Caps.from_string("image/jpeg, width=1280, height=720").get_structure(0))
        == "image/jpeg 1280x720 at ?"
    )


def cut(video, path, packets):
    """Copy the first packets of a video, as they are."""
    with av.open(str(video)) as source, av.open(str(path), "w") as target:
        stream = target.add_stream_from_template(source.streams.video[0])
        for _, packet in zip(range(packets), source.demux(video=0), strict=False):
            packet.stream = stream
            target.mux(packet)


@pytest.mark.shared
def test_the_real_face_through_a_pipeline_is_in_the_file_bit_for_bit_in_its_own_time(
    real_face, tmp_path
):
    """Three seconds of it: some pass until the sensor samples, and all that follow must be there.
    """
    video = tmp_path / "face.mkv"
    cut(real_face / "video.mkv", video, 90)
    camera = open_camera(
        f"gst:filesrc location={video} ! matroskademux ! avdec_ffv1 ! clocksync", 30
    )
    assert (camera.info.time_meaning, camera.info.reconnects, camera.info.rate) == (
        "file", False, None,
    )
    with FakeSensor() as device:
        sensor = Sensor(device.port)
        try:
            summary = Recorder(camera, sensor).record(tmp_path, "S01")
        finally:
            sensor.close()
            camera.close()
    assert summary.stopped_by == "end of replay"
    assert summary.complete
    assert (summary.lost_frames, summary.identical_frames) == ({}, 0)
    with h5py.File(summary.path, "r") as file, av.open(str(video)) as container:
        stored, arrival, times = (
            file[layout.FRAMES], file[layout.FRAME_ARRIVAL][:], file[layout.FRAME_TIME][:],
        )
        clip = list(container.decode(video=0))[-len(stored):]
        assert 20 < len(stored) < 90
        for n, frame in enumerate(clip):
            assert np.array_equal(stored[n], frame.to_ndarray()), n
            assert times[n] - times[0] == pytest.approx((frame.time - clip[0].time) * 1e9, abs=1.0)
        assert file.attrs["started_monotonic_ns"] <= times[0]
    assert (arrival >= times).all()


def test_a_file_that_ends_before_the_start_is_one_line():
    camera = open_gst(
        "videotestsrc num-buffers=3 ! video/x-raw,width=320,height=240,framerate=25/1 ! clocksync",
        25,
    )
    with pytest.raises(DeviceError, match="ended before the start"):
        camera.start(time.monotonic_ns() + 1_000_000_000)
    camera.close()


def test_a_file_s_end_is_the_end_of_a_recording():
    camera = open_gst(
        "videotestsrc num-buffers=10 ! video/x-raw,width=320,height=240,framerate=25/1 ! clocksync",
        25,
    )
    with pytest.raises(EndOfStream):
        read_through(camera, lambda frame: False)
    camera.close()


def test_acq_record_says_before_it_starts_that_the_camera_is_slow_and_records_all_the_same(
    acq, tmp_path
):
    with FakeSensor() as device:
        done = acq(
            "record", "--subject", "S01", "--duration", "1s", "--port", device.port,
            "--camera", f"gst:{TEST} ! videorate ! video/x-raw,framerate=25/2",
        )
    assert done.returncode == 0, done.stderr
    assert done.stderr.count("acq: expected 25 frames/s, found 12.5") == 1
    (path,) = tmp_path.rglob("*.h5")
    with Session(path) as session:
        assert ("camera_complaint", True) in [
            (event.kind, "found 12.5" in event.text) for event in session.events
        ]
        assert session.camera.exposure == {"control": "not controlled by acq"}


@pytest.mark.parametrize(
    "stored",
    [
        "format=I420", "format=I420,colorimetry=bt709", "format=I420,colorimetry=1:4:0:0",
        "format=NV12,colorimetry=bt709", "format=RGB",
    ],
    ids=lambda stored: stored.replace("format=", ""),
)
def test_whatever_the_source_states_is_recorded_as_bt_601_of_limited_range(stored):
    camera = open_gst(
        f"videotestsrc pattern=red num-buffers=50 ! video/x-raw,{stored},width=320,height=240,"
        "framerate=50/1 ! clocksync", 50,
    )
    try:
        camera.start(time.monotonic_ns())
        image = camera.read(1.0).image
    finally:
        camera.close()
    luma, blue, red = image[:240], image[240:300], image[300:]
    assert [plane.mean() for plane in (luma, blue, red)] == pytest.approx([81, 90, 240], abs=2)
