"""Frames as they are written: what is missing between them, and how fast they come."""

from dataclasses import replace

import pytest

from acquire.camera.source import CAMERA_REOPENED, IDENTICAL_FRAMES
from acquire.recorder.frame_stream import FrameStream
from acquire.recorder.losses import CAMERA_AWAY, CAMERA_LOST, HOST_BUSY, STORAGE_BEHIND
from tests.support.session_writing import SMALL_CAMERA, numbered_frame, open_writer

PERIOD_NS = 40_000_000


class Events:
    """A writer that keeps events and counts frames."""

    def __init__(self):
        self.events, self.frames = [], 0

    def add_event(self, time_ns, kind, text):
        self.events.append((kind, text))

    def add_frame(self, frame):
        self.frames += 1


def frame(number, note=None):
    time_ns = number * PERIOD_NS
    return replace(
        numbered_frame(number), time_ns=time_ns, arrival_ns=time_ns + 5_000_000, note=note
    )


@pytest.fixture
def writer():
    return Events()


@pytest.fixture
def stream(writer):
    return FrameStream(writer, SMALL_CAMERA, 0)


def test_dropped_frames_are_the_disk_s_fault_and_the_others_the_camera_s(stream, writer):
    dropped = {2, 3, 7}
    for number in (0, 1, 5, 6):
        stream.add_frame(frame(number), dropped)
    assert dict(stream.losses.by_cause) == {STORAGE_BEHIND: 2, CAMERA_LOST: 1}
    assert dropped == {7}                              # is behind the last frame
    assert writer.events == [("lost_frames", "3 before frame 5")]


@pytest.mark.parametrize(
    ("ages_ms", "is_live", "cause"),
    [
        pytest.param([5, 5, 5, 5], True, CAMERA_LOST, id="read at once"),
        pytest.param([5, 5, 5, 90], True, HOST_BUSY, id="late behind the gap"),
        pytest.param([5, 5, 200, 5], True, HOST_BUSY, id="late before the gap"),
        pytest.param([5, 200, 5, 5], True, CAMERA_LOST, id="late, and in time again"),
        pytest.param([505, 505, 505, 505], True, CAMERA_LOST, id="a slow pipeline"),
        pytest.param([505, 505, 505, 505], False, HOST_BUSY, id="late from the first frame"),
    ],
)
def test_frames_that_are_lost_while_the_host_reads_late_are_the_host_s(
    writer, ages_ms, is_live, cause
):
    stream = FrameStream(writer, replace(SMALL_CAMERA, reconnects=is_live), 0)
    for number, age_ms in zip((0, 1, 2, 6), ages_ms, strict=True):
        made = frame(number)
        late = replace(made, arrival_ns=made.time_ns + age_ms * 1_000_000)
        stream.add_frame(late, set())
    assert dict(stream.losses.by_cause) == {cause: 3}


def test_what_a_camera_missed_while_it_was_away_has_a_cause_of_its_own(stream, writer):
    stream.add_frame(frame(0), set())
    stream.add_frame(frame(25, (CAMERA_REOPENED, "away for 1.0 s")), set())
    assert dict(stream.losses.by_cause) == {CAMERA_AWAY: 24}
    assert stream.reopened == ["away for 1.0 s"]
    assert stream.away_s == pytest.approx(1.0)
    assert [kind for kind, _ in writer.events] == [CAMERA_REOPENED, "lost_frames"]


def test_of_identical_frames_in_a_row_only_the_first_is_an_event(stream, writer):
    for number in range(8):
        is_frozen = number in (2, 3, 4, 6)
        note = (IDENTICAL_FRAMES, f"like frame {number - 1}") if is_frozen else None
        stream.add_frame(frame(number, note), set())
    assert stream.identical_frames == 4
    assert writer.events == [
        (IDENTICAL_FRAMES, "like frame 1"), (IDENTICAL_FRAMES, "like frame 5"),
    ]


def test_the_rate_is_that_of_the_last_seconds_and_nothing_while_no_frame_comes(stream):
    assert stream.fps(0) == 0.0
    for number in range(50):
        stream.add_frame(frame(number), set())
    now_ns = 49 * PERIOD_NS + 10_000_000
    assert stream.fps(now_ns) == pytest.approx(25.0)
    assert stream.silent_s(now_ns) == pytest.approx(0.005)
    assert stream.fps(now_ns + 1_100_000_000) == 0.0
    assert stream.span_ns == (0, 49 * PERIOD_NS)


def test_the_rate_of_a_video_that_decodes_slowly_is_that_at_which_its_frames_come(stream):
    for number in range(50):
        made = frame(number)
        stream.add_frame(replace(made, arrival_ns=2 * made.time_ns), set())
    assert stream.fps(2 * 49 * PERIOD_NS) == pytest.approx(12.5)


def test_frames_reach_the_file(tmp_path):
    with open_writer(tmp_path / "a.h5") as writer:
        stream = FrameStream(writer, SMALL_CAMERA, 0)
        stream.add_frame(frame(0), set())
        assert writer.frames == 1
