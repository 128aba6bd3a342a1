"""Cameras that stamp their frames and do not count them."""

import time

import cv2
import numpy as np

from acquire.v4l2 import SequenceFromTime, V4l2Camera

MS = 1_000_000


def test_a_gap_of_n_periods_skips_so_many_numbers():
    counter = SequenceFromTime(25.0)
    assert [counter.number(t * MS) for t in (1000, 1040, 1081, 1199, 1240, 1281)] == [0, 1, 2, 5, 6, 7]


def test_frames_of_one_stamp_are_one_period_apart():
    counter = SequenceFromTime(25.0)
    assert [counter.number(1000 * MS) for _ in range(20)] == list(range(20))


def test_a_camera_slower_than_it_says_has_lost_nothing_once_it_was_seen():
    counter = SequenceFromTime(25.0)
    for t in (80, 160, 240, 320):
        counter.learn(t * MS)
    assert [counter.number(t * MS) for t in (400, 480, 560, 640)] == [0, 1, 2, 3]


class Capture:
    """What OpenCV gives for a camera of 25 fps that has buffered four frames since it was opened; frame n holds the number n."""

    def __init__(self, *_):
        self.opened_ns, self.n = time.monotonic_ns(), -1

    def isOpened(self):
        return True

    def getBackendName(self):
        return "fake"

    def set(self, *_):
        return True

    def get(self, prop):
        return {cv2.CAP_PROP_POS_MSEC: (self.opened_ns + self.n * 40 * MS) / 1e6, cv2.CAP_PROP_FPS: 25.0}.get(prop, 0.0)

    def grab(self):
        self.n += 1
        time.sleep(max(0.0, (self.opened_ns + self.n * 40 * MS - time.monotonic_ns()) / 1e9))
        return True

    def retrieve(self):
        return True, np.full((48, 64, 3), self.n, dtype=np.uint8)

    def read(self):
        self.grab()
        return self.retrieve()

    def release(self):
        pass


def test_the_first_frame_after_the_start_is_the_first_one_read(monkeypatch):
    monkeypatch.setattr(cv2, "VideoCapture", Capture)
    camera = V4l2Camera("/dev/null", fps=25.0, width=64, height=48)
    assert not camera.info.counts_frames
    time.sleep(0.17)
    start_ns = time.monotonic_ns()
    camera.start(start_ns)
    frames = [camera.read(1.0) for _ in range(3)]
    assert start_ns <= frames[0].time_ns < start_ns + 40 * MS
    assert [frame.sequence for frame in frames] == [0, 1, 2]
    assert np.diff([int(frame.image[0, 0, 0]) for frame in frames]).tolist() == [1, 1]
