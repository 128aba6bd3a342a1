"""A video that is cut at its end is read as far as it goes, and says how much is missing."""

from fractions import Fraction
from types import SimpleNamespace

import av
import numpy as np
import pytest

from acquire.errors import DeviceError, SessionError
from dataset.session.reader import Session
from models.live.predict import why_no_reference
from models.live.recorded import SessionFinger, open_recorded
from tests.support.made_sessions import make_session

FRAMES, FPS = 40, 25


def write_stream(path, count=FRAMES, size=(64, 48), *, sound=False):
    """Write H.264 of noise, whose table of frames stands first."""
    rng = np.random.default_rng(0)
    with av.open(str(path), "w", options={"movflags": "faststart"}) as container:
        stream = container.add_stream("libx264", rate=FPS, options={"bf": "0", "g": "5"})
        stream.width, stream.height = size
        stream.pix_fmt = "yuv420p"
        if sound:
            heard = container.add_stream("pcm_s16le", rate=8000, layout="mono")
            silence = av.AudioFrame.from_ndarray(np.zeros((1, 8000), np.int16), layout="mono")
            silence.sample_rate, silence.pts = 8000, 0
            container.mux(heard.encode(silence))
        for _ in range(count):
            picture = rng.integers(0, 256, (size[1], size[0], 3), np.uint8)
            container.mux(stream.encode(av.VideoFrame.from_ndarray(picture)))
        container.mux(stream.encode(None))


def read(path, **options):
    with open_recorded(path, **options) as recorded:
        times_s = [time_s for _, time_s in recorded.frames]
        return times_s, list(recorded.remarks), recorded.total


@pytest.mark.parametrize("name", ["v.mp4", "v.mkv"])
@pytest.mark.parametrize("kept", [0.5, 0.9])
def test_what_is_there_is_read_and_what_is_missing_is_said(tmp_path, name, kept):
    write_stream(tmp_path / name)
    whole = (tmp_path / name).read_bytes()
    assert read(tmp_path / name) == (pytest.approx(np.arange(FRAMES) / FPS, abs=1e-3), [], FRAMES)
    (tmp_path / f"cut_{name}").write_bytes(whole[: int(kept * len(whole))])
    times_s, remarks, total = read(tmp_path / f"cut_{name}")
    assert 2 <= len(times_s) <= total < FRAMES
    assert times_s == pytest.approx(np.arange(len(times_s)) / FPS, abs=1e-3)
    early = f"{total} of the {FRAMES} frames" if name == "v.mp4" else "its frames end after"
    assert remarks[0].startswith(f"cut_{name} ends early: {early}")
    lacks = [text for text in remarks if "do not decode: it is read up to" in text]
    assert len(lacks) == (len(times_s) < total)
    assert all(text.startswith(f"the last {total - len(times_s)} of {total} ") for text in lacks)


def test_a_session_without_a_frame_is_refused_by_name(tmp_path):
    path = make_session(tmp_path, seconds=2.0, lost_frames=range(100))
    with pytest.raises(SessionError, match="expected a session with frames, found none") as caught:
        read(path)
    assert str(path) in str(caught.value)


def test_a_frame_that_decodes_in_part_is_told_with_its_place(tmp_path):
    path = tmp_path / "v.mp4"
    write_stream(path)
    with av.open(str(path)) as container:
        packets = [(packet.pos, packet.size) for packet in container.demux(video=0) if packet.size]
    data, (at, size) = bytearray(path.read_bytes()), packets[20]
    data[at + size // 2 : at + size] = bytes(size - size // 2)
    path.write_bytes(data)
    times_s, remarks, total = read(path)
    assert len(times_s) == total == FRAMES
    (remark,) = remarks
    assert remark.startswith("1 frame is damaged, the first at 0.80 s: ")


def overwrite_packets(path, numbers):
    """Fill the packets of some frames with what no codec has."""
    with av.open(str(path)) as container:
        packets = [(packet.pos, packet.size) for packet in container.demux(video=0) if packet.size]
    data = bytearray(path.read_bytes())
    for at, size in (packets[number] for number in numbers):
        # a container's own head of a packet remains
        data[at + 16 : at + size] = bytes([255]) * (size - 16)
    path.write_bytes(data)


def write_intra(path):
    """Write MJPEG, each frame brighter than the one before; an AVI has no times of its own."""
    with av.open(str(path), "w") as container:
        stream = container.add_stream("mjpeg", rate=FPS, options={"strict": "-1"})
        stream.width, stream.height, stream.pix_fmt = 64, 48, "yuvj420p"
        for number in range(FRAMES):
            picture = np.full((48, 64, 3), (5 * number, 5 * number, 50), np.uint8)
            container.mux(stream.encode(av.VideoFrame.from_ndarray(picture)))
        container.mux(stream.encode(None))


@pytest.mark.parametrize("name", ["v.avi", "v.mov"])
@pytest.mark.parametrize(
    ("gone", "between"),
    [([20], "1 frame does not decode, between 0.76 and 0.84 s"),
     ([3, 18, 19], "3 frames do not decode, between 0.08 and 0.80 s")],
)
def test_what_follows_damage_is_read_at_its_own_time(tmp_path, name, gone, between):
    path = tmp_path / name
    write_intra(path)
    overwrite_packets(path, gone)
    with open_recorded(path) as recorded:
        read_on = [(time_s, image[:, :, :2].mean()) for image, time_s in recorded.frames]
    numbers = np.delete(np.arange(FRAMES), gone)
    assert [time_s for time_s, _ in read_on] == pytest.approx(numbers / FPS)
    assert [level for _, level in read_on] == pytest.approx(5 * numbers, abs=2)
    assert recorded.remarks == [f"{between}: it is damaged there, and read on after it"]


def test_a_video_is_read_from_the_first_frame_that_decodes_though_its_first_is_damaged(tmp_path):
    path = tmp_path / "v.mov"
    write_intra(path)
    overwrite_packets(path, [0])
    assert read(path) == (
        pytest.approx(np.arange(FRAMES - 1) / FPS),
        ["1 frames of v.mov before the first that decodes are left out"], FRAMES - 1,
    )


def test_an_avi_in_which_frames_were_skipped_does_not_end_early_until_it_is_cut(tmp_path):
    path = tmp_path / "v.avi"
    with av.open(str(path), "w") as container:
        stream = container.add_stream("mjpeg", rate=FPS, options={"strict": "-1"})
        stream.width, stream.height, stream.pix_fmt = 64, 48, "yuvj420p"
        for number in (*range(20), *range(25, FRAMES)):
            colour = np.full((48, 64, 3), (5 * number, 5 * number, 50), np.uint8)
            picture = av.VideoFrame.from_ndarray(colour)
            picture.pts = number
            container.mux(stream.encode(picture))
        container.mux(stream.encode(None))
    gap = "v.avi: 5 frames lack between 0.76 and 1.00 s: it is damaged there, or they were never "
    gap += "written"
    assert read(path)[1:] == ([gap], FRAMES - 5)
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    assert "v.avi ends early: its frames end after" in read(path)[1][0]


def test_a_large_avi_that_is_cut_says_so(tmp_path):
    """Of one of megabytes FFmpeg tells the length by what is there."""
    path = tmp_path / "v.avi"
    with av.open(str(path), "w") as container:
        stream = container.add_stream("rawvideo", rate=FPS)
        stream.width, stream.height, stream.pix_fmt = 320, 240, "bgr24"
        red = np.full((240, 320, 3), (0, 0, 99), np.uint8)
        picture = av.VideoFrame.from_ndarray(red, format="bgr24")
        for picture.pts in range(FRAMES):
            container.mux(stream.encode(picture))
        container.mux(stream.encode(None))
    assert read(path)[1:] == ([], FRAMES)
    path.write_bytes(path.read_bytes()[: path.stat().st_size * 2 // 3])
    assert "v.avi ends early: its frames end after 1.1 s of the 1.6 s" in read(path)[1][0]


def test_frames_that_are_gone_within_a_video_are_counted_with_their_place(tmp_path):
    """FFV1 has frames that are no key frames, and is without loss all the same."""
    path = tmp_path / "v.mkv"
    rng = np.random.default_rng(0)
    with av.open(str(path), "w") as container:
        stream = container.add_stream("ffv1", rate=FPS, options={"g": "4"})
        stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv420p"
        for number in range(FRAMES):
            noise = rng.integers(0, 256, (72, 64), np.uint8)
            packets = stream.encode(av.VideoFrame.from_ndarray(noise, format="yuv420p"))
            if not 16 <= number < 24:
                container.mux(packets)
    assert read(path)[1:] == (
        ["v.mkv: 8 frames lack between 0.60 and 0.96 s: it is damaged there, or they were never "
         "written"], FRAMES - 8,
    )
    with open_recorded(path) as recorded:
        assert not recorded.is_predicted


@pytest.mark.parametrize("tint", [0, 60])
def test_pictures_without_colour_are_told(tmp_path, tint):
    """One of them in colour is enough, if only in a face's part of it."""
    path, rng = tmp_path / "v.mkv", np.random.default_rng(0)
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=FPS, options={"qp": "18"})
        stream.width, stream.height, stream.pix_fmt = 320, 240, "yuv420p"
        for number in range(10):
            picture = np.repeat(rng.integers(40, 190, (240, 320, 1), np.uint8), 3, axis=2)
            picture[100:150, 100:140, 0] += tint * (number == 7)
            container.mux(stream.encode(av.VideoFrame.from_ndarray(picture)))
        container.mux(stream.encode(None))
    told = "its pictures have no colour, and the pulse is a change of colour: record in colour"
    assert read(path)[1] == ([] if tint else [told])


def test_a_matroska_with_sound_and_no_length_of_its_pictures_is_told_by_its_bytes(tmp_path):
    path = tmp_path / "v.mkv"
    write_stream(path, sound=True)
    # without the tags in which FFmpeg writes how long each stream is
    path.write_bytes(path.read_bytes().replace(b"DURATION", b"_URATION"))
    assert read(path)[1:] == ([], FRAMES)
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) // 2])
    assert f"of the {len(whole) / 1e6:.1f} MB that its header states" in read(path)[1][0]
    streamed = bytearray(whole[: len(whole) // 2])
    at = streamed.index(b"\x18\x53\x80\x67") + 4
    streamed[at : at + 8] = b"\x01" + 7 * b"\xff"
    path.write_bytes(streamed)
    assert not any("header states" in remark for remark in read(path)[1])


def test_a_raw_stream_with_b_frames_that_was_wrapped_as_it_was_is_read_in_its_order(tmp_path):
    """Its packets have the times of decoding alone; the first two are not to be shown."""
    raw, path = tmp_path / "v.h264", tmp_path / "v.mp4"
    with av.open(str(raw), "w", format="h264") as container:
        stream = container.add_stream("libx264", rate=FPS, options={"bf": "2", "qp": "10"})
        stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv420p"
        for number in range(FRAMES):
            picture = np.full((48, 64, 3), 20 + 5 * number, np.uint8)
            container.mux(stream.encode(av.VideoFrame.from_ndarray(picture)))
        container.mux(stream.encode(None))
    with (
        av.open(str(raw)) as source,
        av.open(str(path), "w", options={"avoid_negative_ts": "disabled"}) as container,
    ):
        stream = container.add_stream_from_template(source.streams.video[0])
        for number, packet in enumerate(one for one in source.demux(video=0) if one.size):
            packet.stream, packet.time_base = stream, Fraction(1, FPS)
            packet.duration, packet.pts, packet.dts = 1, number - 2, number - 2
            container.mux(packet)
    with open_recorded(path) as recorded:
        levels = [(time_s, image.mean()) for image, time_s in recorded.frames]
    assert [time_s for time_s, _ in levels] == pytest.approx(np.arange(FRAMES - 2) / FPS)
    assert (np.diff([level for _, level in levels]) > 0).all()


def test_frames_of_another_size_are_no_end(tmp_path):
    """What follows may be of another recording: nothing is read as if it were all."""
    for name, size in (("a.ts", (64, 48)), ("b.ts", (32, 24))):
        write_stream(tmp_path / name, 10, size)
    both = tmp_path / "both.ts"
    both.write_bytes((tmp_path / "a.ts").read_bytes() + (tmp_path / "b.ts").read_bytes())
    with pytest.raises(DeviceError, match="frames of one size"):
        read(both, fps=FPS)


@pytest.mark.parametrize(("early_s", "bpm"), [(0.02, 72.0), (0.2, 72.0), (1.0, None)])
def test_a_finger_that_begins_just_after_the_first_frame_has_a_rate(tmp_path, early_s, bpm):
    path = make_session(tmp_path, seconds=12.0, bpm=72.0, frame_offset_s=-early_s)
    with Session(path) as session:
        found = SessionFinger(session).hr_bpm(0.0, 10.0)
    assert found == (bpm if bpm is None else pytest.approx(bpm, abs=0.5))


def test_why_no_finger_stands_beside_a_shown_window_is_told_though_others_have_one(tmp_path):
    shown = SimpleNamespace(hr_bpm=70.0, finger_bpm=None)
    withheld = SimpleNamespace(hr_bpm=None, finger_bpm=70.0)
    with Session(make_session(tmp_path, seconds=12.0)) as session:
        finger = SessionFinger(session)
        words = why_no_reference(finger, [shown, withheld])
        assert words == "of the PPG no heart rate can be told"
        shown.finger_bpm = 71.0
        assert why_no_reference(finger, [shown, withheld]) == ""
