"""Frames keep their own times, whatever was cut from a stream or joined to it."""

from contextlib import closing

import av
import numpy as np
import pytest
from av.bitstream import BitStreamFilterContext

from acquire.camera.replay import ReplayCamera
from acquire.camera.source import EndOfStream
from acquire.errors import DeviceError
from acquire.stamps.packet_times import container_times, shown_ticks, why_no_times

FPS, GROUP, TS_PACKET = 25, 12, 188


def brightness(number):
    """Return the level of a frame [of 255]: by it a frame is known again."""
    return 20 + 4 * number


def write_stream(path, count=40, *, reorders=2, metadata=""):
    """Write H.264 whose frames are known by their brightness."""
    options = {"bf": str(reorders), "g": str(GROUP), "qp": "10"}
    with av.open(str(path), "w", options={"movflags": "faststart"}) as container:
        stream = container.add_stream("libx264", rate=FPS, options=options)
        stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv420p"
        change = BitStreamFilterContext(metadata, stream) if metadata else None
        for number in range(count):
            picture = np.full((72, 64), 128, np.uint8)
            picture[:48] = brightness(number)
            frame = av.VideoFrame.from_ndarray(picture, format="yuv420p")
            for packet in stream.encode(frame):
                container.mux(change.filter(packet) if change else packet)
        for packet in stream.encode(None):
            container.mux(change.filter(packet) if change else packet)


def play(path, **options):
    """Return of each frame its number in the stream by its picture, and its time [s]."""
    with closing(ReplayCamera(path, **options)) as camera:
        camera.start(0)
        frames = []
        try:
            while True:
                if (frame := camera.read(5.0)) is not None:
                    frames.append(frame)
        except EndOfStream:
            pass
    level = np.array([frame.image[:48].mean() for frame in frames])
    return camera.info, np.rint((level - 20) / 4), np.array([f.time_ns for f in frames]) / 1e9


@pytest.mark.parametrize("first_packets", [5, 9])
def test_a_stream_that_was_cut_within_a_group_keeps_the_times_of_its_frames(
    tmp_path, first_packets
):
    write_stream(tmp_path / "v.ts")
    whole = (tmp_path / "v.ts").read_bytes()
    (tmp_path / "cut.ts").write_bytes(whole[first_packets * TS_PACKET :])
    info, number, time_s = play(tmp_path / "cut.ts")
    assert number[0] > 0
    assert number[-1] == 39
    assert time_s == pytest.approx((number - number[0]) / FPS, abs=1e-3)
    assert "before the first that decodes are left out" in info.remarks[0]


def test_streams_that_were_joined_end_to_end_have_no_times(tmp_path):
    write_stream(tmp_path / "v.ts")
    both = tmp_path / "both.ts"
    both.write_bytes(2 * (tmp_path / "v.ts").read_bytes())
    with pytest.raises(DeviceError, match=r"times that fall by 1\.\d\d s after 40 frames"):
        ReplayCamera(both)
    _, number, time_s = play(both, fps=FPS)
    assert number == pytest.approx([*range(40), *range(40)])
    assert time_s == pytest.approx(np.arange(80) / FPS)


def test_a_file_that_ends_early_says_after_which_frame(tmp_path):
    write_stream(tmp_path / "v.mp4", reorders=0)
    whole = (tmp_path / "v.mp4").read_bytes()
    (tmp_path / "cut.mp4").write_bytes(whole[:-200])
    with pytest.raises(DeviceError, match=r"none that decodes after the first \d\d: the file ends"):
        play(tmp_path / "cut.mp4", fps=1000)


def test_a_turn_that_only_the_first_frame_states_holds_on(tmp_path):
    write_stream(
        tmp_path / "v.ts", 10,
        metadata="h264_metadata=display_orientation=insert:rotate=90"
    )
    info, _, time_s = play(tmp_path / "v.ts")
    assert (info.width, info.height) == (48, 64)
    assert len(time_s) == 10


def test_a_file_without_its_table_of_frames_is_named_as_that(tmp_path):
    write_stream(tmp_path / "v.mp4")
    whole = (tmp_path / "v.mp4").read_bytes()
    (tmp_path / "v.mp4").write_bytes(whole[: whole.index(b"moov") + 300])
    with pytest.raises(DeviceError, match=r"without its table of frames \(moov\): it was cut"):
        ReplayCamera(tmp_path / "v.mp4")
    (tmp_path / "v.mp4").write_bytes(b"")
    with pytest.raises(DeviceError, match="found an empty file"):
        ReplayCamera(tmp_path / "v.mp4")


def test_times_that_repeat_or_lie_alone_are_mended_and_said(tmp_path):
    remarks = []
    ticks = np.repeat(np.arange(0, 100, 2), 2)             # each time twice
    assert container_times(ticks, 0.04, tmp_path, remarks) == pytest.approx(
        np.arange(100) * 0.04, abs=1e-6
    )
    assert "50 frame stamps repeat" in remarks[0]
    ticks = np.sort(np.append(np.arange(1, 100), 40 * 10**9))
    assert np.diff(container_times(ticks, 0.04, tmp_path, remarks)) == pytest.approx(0.04)
    with pytest.raises(DeviceError, match="a gap of"):
        container_times(np.array([*range(20), *range(10**7, 10**7 + 20)]), 0.04, tmp_path, [])


@pytest.mark.parametrize(
    ("stamps", "joint"),
    [
        pytest.param([(n, n) for n in range(40)], "", id="one"),
        pytest.param([(n + n % 3, None) for n in range(40)], "", id="shown out of order"),
        pytest.param([(n % 20, n % 20) for n in range(40)], "0.76 s after 20 frames", id="two"),
        pytest.param([(n, 0 if n == 30 else n) for n in range(40)], "", id="one alone is zero"),
        pytest.param([(None, None)] * 3, "", id="none"),
        pytest.param([(1, 1), (None, 2), (3, 3)], "none for 1 of its 3 frames", id="some"),
    ],
)
def test_where_times_start_again_or_lack(stamps, joint):
    found = why_no_times(stamps, 0.04)
    assert joint in found
    assert bool(found) == bool(joint)
    assert shown_ticks([(None, 1), (None, None)]) is None
