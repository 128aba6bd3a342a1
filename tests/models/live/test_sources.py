"""A session that is being recorded, followed while it grows: every frame once, from now on."""

import multiprocessing
import os

import cv2
import numpy as np
import pytest

from acquire.camera.source import CameraInfo, EndOfStream, VideoFrame
from acquire.errors import Fix, SessionError
from acquire.session.writer import SessionWriter
from dataset.session.follow import Following
from models.live.sources import FollowedFrames
from tests.support.fakes import HELLO
from tests.support.made_sessions import START_NS, frame_times, make_session, picture

CAMERA = CameraInfo("fake", 32, 24, 30.0, "I420", "start of exposure")


@pytest.fixture(scope="module")
def recorders():
    """A pipe to a process in which the recorder's own writer has sessions open.

    In another than the reader's, because HDF5 shares a file within one.
    """
    context = multiprocessing.get_context("spawn")
    pipe, end = context.Pipe()
    process = context.Process(target=_record, args=(end,))
    process.start()
    yield pipe
    process.kill()
    process.join()


def _record(pipe):
    writers = {}
    while True:
        path, subject, numbers = pipe.recv()
        if path not in writers:
            writers[path] = SessionWriter(
                path, session_id=path.stem, subject=subject, camera=CAMERA, hello=HELLO,
                port="/dev/fake", started_unix_ns=1, started_monotonic_ns=START_NS,
                simulated=False,
            )
        if numbers:
            _write(writers[path], *numbers)
        else:
            writers[path].close(complete=True)
        pipe.send(numbers)


def _write(writer, first, last):
    stamps = frame_times(last).tolist()
    for i in range(first, last):
        writer.add_frame(VideoFrame(picture(i), stamps[i], stamps[i] + 1, i))
        writer.add_sample(
            sequence=i, ticks=i * 80_000, value=i, flags=0, arrival_ns=stamps[i],
            time_ns=stamps[i], bound_ns=1,
        )
    writer.flush()


class Growing:
    """A session that is open in the other process."""

    def __init__(self, pipe, path, *, seconds, subject="S01"):
        self._pipe, self._path, self._subject = pipe, path, subject
        self.add(0, round(seconds * 30))

    def add(self, first, last):
        """Write and flush frames and samples of these numbers."""
        self._ask(first, last)

    def end(self):
        """Close the file as complete."""
        self._ask()

    def _ask(self, *numbers):
        self._pipe.send((self._path, self._subject, numbers))
        assert self._pipe.poll(30)
        assert self._pipe.recv() == numbers


def test_every_frame_of_a_growing_session_comes_once_and_in_order(recorders, tmp_path):
    path = tmp_path / "S01" / "S01-20260101T090000Z.h5"
    session = Growing(recorders, path, seconds=1.0)
    with Following(path) as following:
        assert (following.subject, following.fps, following.simulated) == ("S01", 30.0, False)
        assert list(following.frames()) == []                  # begun from now
        seen = 30
        for last in (31, 45, 45, 90):
            session.add(seen, last)
            for image, time_ns in following.frames():
                assert time_ns == frame_times(90)[seen]
                assert np.array_equal(image, cv2.cvtColor(picture(seen), cv2.COLOR_YUV2RGB_I420))
                seen += 1
            assert seen == last
        sequence, value = following.finger()
        assert sequence.tolist() == list(range(90))
        assert value.tolist() == list(range(90))
        assert not following.has_ended
        session.end()
        assert following.has_ended


def test_the_newest_frame_before_a_time_is_that_frame(recorders, tmp_path):
    path = tmp_path / "S01" / "S01-20260101T090000Z.h5"
    session = Growing(recorders, path, seconds=1.0)
    times_ns = frame_times(90).tolist()
    with Following(path) as following:
        for last in (30, 60):
            for before_ns, number in (
                (times_ns[20] + 1, 20), (times_ns[20], 19), (times_ns[-1], last - 1),
            ):
                image, time_ns = following.picture(before_ns)
                assert time_ns == times_ns[number]
                assert np.array_equal(image, picture(number))
            session.add(last, last + 30)
        assert following.picture(times_ns[0]) is None


def test_what_was_recorded_just_before_comes_first(recorders, tmp_path):
    path = tmp_path / "S01" / "S01-20260101T090000Z.h5"
    Growing(recorders, path, seconds=3.0)
    with Following(path, back_s=1.0) as following:
        assert [time_ns for _, time_ns in following.frames()] == frame_times(90)[60:].tolist()


def test_the_last_frames_come_before_the_end_is_told(recorders, tmp_path):
    path = tmp_path / "S01" / "S01-20260101T090000Z.h5"
    session = Growing(recorders, path, seconds=1.0)
    with Following(path) as following:
        frames = FollowedFrames(following)
        assert frames.read(0.01) is None
        session.add(30, 33)
        session.end()
        assert [round(frames.read(1.0)[1] * 1e9) for _ in range(3)] == pytest.approx(
            frame_times(33)[30:].tolist(), abs=2000
        )
        with pytest.raises(EndOfStream):
            frames.read(1.0)


def test_of_a_folder_the_newest_growing_session_is_followed(recorders, tmp_path):
    make_session(tmp_path, "S01")
    with pytest.raises(SessionError, match="expected a session that is being recorded, found none"):
        Following(tmp_path)
    first, second = (tmp_path / "sessions" / "S02" / f"S02-20260101T09000{n}Z.h5" for n in (1, 2))
    for path in (first, second):
        Growing(recorders, path, seconds=1.0, subject="S02")
    os.utime(first, (1, 1))
    with Following(tmp_path) as following:
        assert following.path == second
    with pytest.raises(SessionError, match="found one that has ended") as caught:
        Following(make_session(tmp_path, "S03"))
    assert caught.value.fix is Fix.PREDICT
