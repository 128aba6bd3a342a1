"""The thread that reads a pulse beside a recording, and what of a reading is news."""

import time
from dataclasses import replace

import numpy as np
import pytest

from acquire.camera.source import CameraInfo, VideoFrame
from models.live.pulse import LivePulse
from models.live.reader import LiveReader, LiveThread
from models.live.states import LOOKING
from tests.support.live_scenes import RedOverGreen

pytestmark = pytest.mark.real_time


def fake_frames(count):
    image = np.full((36, 32), 128, np.uint8)
    return [VideoFrame(image, round(i * 4e7), 0, i) for i in range(count)]


CAMERA = CameraInfo("fake", 32, 24, 25.0, "I420", "start of exposure")


def test_a_thread_that_fails_says_why_and_takes_no_more_frames():
    def broken(image):
        raise MemoryError("no room")

    with LiveThread(LivePulse(RedOverGreen(), broken), CAMERA) as thread:
        for frame in fake_frames(3):
            thread.offer(frame)
        end = time.monotonic() + 120
        while not thread.error:
            assert time.monotonic() < end
            time.sleep(0.01)
        assert thread.error == "no room"
        thread.offer(fake_frames(1)[0])


def test_frames_that_find_no_room_are_left_out_and_counted():
    thread = LiveThread(LivePulse(RedOverGreen(), lambda image: []), CAMERA)
    for frame in fake_frames(100):
        thread.offer(frame)
    with thread:
        end = time.monotonic() + 120
        while thread.snapshot is None or thread.snapshot.left_out == 0:
            assert time.monotonic() < end
            time.sleep(0.01)
    assert thread.snapshot.left_out == 68


@pytest.mark.parametrize(
    ("name", "asked"), [("uvc:/dev/video0", ": is the camera frozen?"), ("replay:face.mkv", "")]
)
def test_whether_a_camera_is_frozen_is_asked_of_no_replay(name, asked):
    live = LivePulse(RedOverGreen(), lambda image: [])
    LiveThread(live, replace(CAMERA, name=name))
    picture = np.full((24, 32, 3), 128, np.uint8)
    words = [live.add_frame(picture, at / 25).words for at in range(50)][-1]
    assert words == f"the picture has stood still for 2 s{asked}"


def test_news_is_another_state_or_another_heart_rate():
    reader = LiveReader(LivePulse(RedOverGreen(), lambda image: []))
    assert reader.note_silence() is None
    picture = np.random.default_rng(0).integers(60, 200, (24, 32, 3), dtype=np.uint8)
    assert reader.read_frame(picture, 0.0).state == LOOKING
    assert reader.read_frame(picture[::-1].copy(), 0.04) is None
    assert reader.snapshot().fps == pytest.approx(25)
