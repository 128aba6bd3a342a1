"""The sensor's thread: what it hands on, and in which order."""

import threading
from collections import deque

import pytest

from acquire.errors import DeviceError
from acquire.host_time import ClockReading
from acquire.sensor.items import SensorLost
from acquire.sensor.pings import Exchange
from acquire.sensor.protocol import Pong, Sample
from acquire.sensor.stamped_port import Received
from acquire.sensor.thread import SensorThread
from tests.support.fakes import HELLO

pytestmark = pytest.mark.real_time


class BrokenLine:
    """A sensor whose line breaks at the first ping, when three samples wait to be read."""

    port, hello, bad_packets, listened_s = "/dev/none", HELLO, 0, 0.0

    def __init__(self):
        self._waiting, self._is_broken = deque(Sample(n, n * 80_000, n, 0) for n in range(3)), False

    def send(self, packet):
        self._is_broken = True
        raise DeviceError(expected="the PPG sensor", found="nothing: the line was pulled")

    def read(self, timeout_s):
        self.listened_s += timeout_s
        if not self._is_broken or not self._waiting:
            threading.Event().wait(timeout_s)
            return None
        return Received(self._waiting.popleft(), 5)

    def close(self):
        self._waiting.clear()


def items_of(thread):
    """What was handed on, without the readings of the clocks."""
    items = [thread.items.get_nowait() for _ in range(thread.items.qsize())]
    return [item for item in items if not isinstance(item, ClockReading)]


def test_what_came_before_a_line_broke_off_is_handed_on_before_that_is_told():
    thread = SensorThread(BrokenLine(), 25)
    thread._is_expecting = True
    threading.Timer(2.0, thread.stop).start()
    thread.run()
    *samples, lost = items_of(thread)
    assert [item.packet.sequence for item in samples] == [0, 1, 2]
    assert isinstance(lost, SensorLost)


def test_behind_a_gap_answers_come_before_the_sample_and_elsewhere_after_it():
    """The first sample is placed by them; later ones give their ticks a place to be unwrapped."""
    thread = SensorThread(BrokenLine(), 25)
    thread._is_expecting = True
    for n in range(2):
        thread._pinger.ping(lambda ping: 1)
        thread._accept(Received(Pong(n, 7, 8), 9))
        thread._accept(Received(Sample(n, n, n, 0), 10))
    kinds = [type(getattr(item, "packet", item)) for item in items_of(thread)]
    assert kinds == [Exchange, Sample, Sample, Exchange]


def test_no_sample_is_handed_on_that_was_not_asked_for():
    thread = SensorThread(BrokenLine(), 25)
    thread._accept(Received(Sample(5000, 1, 1, 0), 10))
    assert items_of(thread) == []
