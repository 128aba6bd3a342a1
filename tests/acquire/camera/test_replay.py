"""A file played in real time: every frame, bit by bit, at its own time."""

import time
from contextlib import closing

import av
import numpy as np
import pytest

from acquire.camera.frame_times import read_frame_times
from acquire.camera.open import open_camera
from acquire.camera.replay import ReplayCamera
from acquire.camera.source import EndOfStream
from acquire.errors import DeviceError, Fix


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


def test_times_in_milliseconds_are_read_as_such_and_the_operator_is_told(tmp_path):
    write_video(tmp_path / "v.mkv", noise(10))
    (tmp_path / "t.csv").write_text("".join(f"{40 * i + i % 2}\n" for i in range(10)))
    info, start_ns, frames = play(f"replay:{tmp_path}/v.mkv?times={tmp_path}/t.csv")
    assert np.array([frame.time_ns - start_ns for frame in frames]) / 1e6 == pytest.approx(
        [40 * i + i % 2 for i in range(10)], abs=0.01
    )
    assert info.fps == pytest.approx(25, rel=0.02)
    assert ["milliseconds, not seconds" in text for text in info.complaints] == [True]


def test_times_of_another_video_are_refused(tmp_path):
    write_video(tmp_path / "v.mkv", noise(5))
    (tmp_path / "t.csv").write_text("timestamp\n0\n0.04\n0.08\n")
    with pytest.raises(DeviceError, match=r"each of the 5 frames .* found 3 .*one for each frame"):
        open_camera(f"replay:{tmp_path}/v.mkv?times={tmp_path}/t.csv", 25)


@pytest.mark.parametrize(
    "spec",
    ["nonsense", "replay:", "replay:/nowhere.mkv", "uvc:/dev/video_none", "replay:x?speed=2"],
)
def test_a_camera_that_is_not_there_is_one_line(spec):
    with pytest.raises(DeviceError, match="expected"):
        open_camera(spec, 25)


RAW = [
    pytest.param("h264", "libx264", "yuv420p", id="h264"),
    pytest.param("hevc", "libx265", "yuv420p", id="hevc"),
    pytest.param("mjpeg", "mjpeg", "yuvj420p", id="mjpeg"),
    pytest.param("m4v", "mpeg4", "yuv420p", id="mpeg-4"),
]


def write_raw(path, codec, pixels, count=12, size=(64, 48)):
    """Write a stream without a container, and so without times."""
    options = {"x265-params": "log-level=none"} if codec == "libx265" else {}
    with av.open(str(path), "w", format=path.suffix[1:]) as container:
        stream = container.add_stream(codec, rate=25, options=options)
        stream.width, stream.height, stream.pix_fmt = *size, pixels
        for level in np.linspace(40, 200, count):
            rgb = np.full((size[1], size[0], 3), round(level), np.uint8)
            frame = av.VideoFrame.from_ndarray(rgb, format="rgb24")
            container.mux(stream.encode(frame.reformat(format=pixels)))
        container.mux(stream.encode(None))


@pytest.mark.parametrize(("kind", "codec", "pixels"), RAW)
def test_a_raw_stream_has_no_times_and_is_read_with_a_rate_or_times(tmp_path, kind, codec, pixels):
    video = tmp_path / f"v.{kind}"
    write_raw(video, codec, pixels)
    with pytest.raises(DeviceError, match=rf"found none \(raw {kind}\)") as error:
        open_camera(f"replay:{video}", 25)
    assert error.value.fix is Fix.NAME_FRAME_RATE
    (tmp_path / "t.csv").write_text("timestamp\n" + "".join(f"{n / 50}\n" for n in range(12)))
    for query in ("fps=50", f"times={tmp_path}/t.csv"):
        info, start_ns, frames = play(f"replay:{video}?{query}")
        assert info.fps == pytest.approx(50)
        assert np.array([frame.time_ns - start_ns for frame in frames]) / 1e9 == pytest.approx(
            np.arange(12) / 50, abs=1e-9
        )
        means = [frame.image[:48].mean() for frame in frames]
        assert (np.diff(means) > 5).all()              # in the order in which they are shown


def test_a_row_of_pictures_has_no_times(tmp_path):
    with av.open(str(tmp_path / "p%03d.png"), "w", format="image2") as container:
        stream = container.add_stream("png", rate=25)
        stream.width, stream.height, stream.pix_fmt = 64, 48, "rgb24"
        for image in noise(4, (48, 64, 3)):
            container.mux(stream.encode(av.VideoFrame.from_ndarray(image, format="rgb24")))
        container.mux(stream.encode(None))
    with pytest.raises(DeviceError, match=r"found none \(a row of pictures\)"):
        open_camera(f"replay:{tmp_path}/p%03d.png", 25)
    assert play(f"replay:{tmp_path}/p%03d.png?fps=100")[0].fps == pytest.approx(100)


def test_a_rate_that_is_asked_for_goes_before_the_container_s_and_says_so(tmp_path):
    write_video(tmp_path / "v.mkv", noise(10))
    info, start_ns, frames = play(f"replay:{tmp_path}/v.mkv?fps=100")
    assert frames[-1].time_ns - start_ns == 90_000_000
    assert info.remarks == ("100 frames/s are taken as asked for; v.mkv itself says 25.00",)
    assert play(f"replay:{tmp_path}/v.mkv?fps=25")[0].remarks == ()


@pytest.mark.parametrize("fps", ["0", "-25", "nan", "inf", "many", "1e9"])
def test_a_rate_that_cannot_be_is_refused(tmp_path, fps):
    write_raw(tmp_path / "v.mjpeg", "mjpeg", "yuvj420p", count=2)
    with pytest.raises(DeviceError, match=r"expected a (frame rate|number)"):
        open_camera(f"replay:{tmp_path}/v.mjpeg?fps={fps}", 25)


def test_a_phone_s_video_is_upright(tmp_path):
    images = np.zeros((3, 48, 64, 3), np.uint8)
    images[:, :, 32:] = 200                        # bright on the right, as stored
    with av.open(str(tmp_path / "v.mov"), "w") as container:
        stream = container.add_stream("png", rate=25)
        stream.width, stream.height, stream.pix_fmt = 64, 48, "rgb24"
        for image in images:
            container.mux(stream.encode(av.VideoFrame.from_ndarray(image, format="rgb24")))
        container.mux(stream.encode(None))
    content = bytearray((tmp_path / "v.mov").read_bytes())
    at = content.index(b"tkhd") + 44
    quarter = np.array([0, 1 << 16, 0, -1 << 16, 0, 0, 0, 0, 1 << 30], ">i4").tobytes()
    content[at : at + 36] = quarter                # right becomes bottom
    (tmp_path / "v.mov").write_bytes(content)
    info, _, frames = play(f"replay:{tmp_path}/v.mov")
    assert (info.width, info.height) == (48, 64)
    assert "turned clockwise by 90 degrees" in info.pipeline
    assert all((f.image[32:] == 200).all() and not f.image[:32].any() for f in frames)


def test_full_range_video_is_recorded_as_the_colours_that_it_states(tmp_path):
    write_raw(tmp_path / "v.mjpeg", "mjpeg", "yuvj420p", count=3)
    info, _, frames = play(f"replay:{tmp_path}/v.mjpeg?fps=50")
    assert (info.pixel_format, info.image_shape) == ("RGB", (48, 64, 3))
    assert [frame.image.mean() for frame in frames] == pytest.approx([40, 120, 200], abs=1.0)


def test_a_video_whose_frames_change_size_is_refused(tmp_path):
    write_raw(tmp_path / "a.mjpeg", "mjpeg", "yuvj420p", count=2)
    write_raw(tmp_path / "b.mjpeg", "mjpeg", "yuvj420p", count=2, size=(80, 48))
    both = tmp_path / "v.mjpeg"
    both.write_bytes((tmp_path / "a.mjpeg").read_bytes() + (tmp_path / "b.mjpeg").read_bytes())
    with pytest.raises(DeviceError, match="frames of one size, 64x48, found frame 2 of 80x48"):
        play(f"replay:{both}?fps=100")


def test_it_counts_the_frames_that_were_due(tmp_path):
    write_video(tmp_path / "v.mkv", noise(10))
    with closing(ReplayCamera(tmp_path / "v.mkv", fps=10)) as camera:
        camera.start(1_000_000_000)
        due = [camera.count_until(round(t * 1e9)) for t in (0.99, 1.0, 1.25, 1.899, 1.9, 60)]
    assert due == [0, 1, 3, 9, 10, 10]


@pytest.mark.parametrize("fps", ["", "?fps=25"])
def test_a_single_picture_is_no_video(tmp_path, fps):
    write_raw(tmp_path / "v.mjpeg", "mjpeg", "yuvj420p", count=1)
    with pytest.raises(DeviceError, match="expected at least 2 frames, found a single pic"):
        open_camera(f"replay:{tmp_path}/v.mjpeg{fps}", 25)
