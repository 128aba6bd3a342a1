"""When pings are due, and which answer completes which of them."""

from itertools import pairwise

from acquire.sensor.pings import (
    PING_BURST,
    PING_EVERY_S,
    PING_STEP_S,
    Exchange,
    Pinger,
    PingSchedule,
)
from acquire.sensor.protocol import Pong


def test_pings_come_in_bursts_of_eight():
    schedule, sent_s = PingSchedule(5.0), []
    for _ in range(3 * PING_BURST):
        sent_s.append(schedule.due_s)
        schedule.advance(schedule.due_s)
    assert sent_s[0] == 5.0
    for number, (earlier, later) in enumerate(pairwise(sent_s), start=1):
        shortest, longest = PING_STEP_S if number % PING_BURST else PING_EVERY_S
        assert shortest - 1e-9 <= later - earlier <= longest + 1e-9


def test_an_answer_completes_its_own_ping_once():
    pinger, ids = Pinger(), []
    for sent_ns in (10, 20, 30):
        pinger.ping(lambda ping, at=sent_ns: ids.append(ping.id) or at)
    assert ids == [0, 1, 2]
    assert pinger.pending == 3
    pong = Pong(1, 500, 600)
    assert pinger.match(pong, 25) == Exchange(20, pong, 25)
    assert pinger.match(pong, 26) is None
    assert pinger.match(Pong(7, 500, 600), 27) is None
    assert pinger.pending == 2


def test_a_forgotten_ping_is_not_completed_and_its_number_not_used_again():
    pinger, ids = Pinger(), []
    pinger.ping(lambda ping: ids.append(ping.id) or 10)
    pinger.forget()
    assert pinger.pending == 0
    pinger.ping(lambda ping: ids.append(ping.id) or 20)
    assert ids == [0, 1]
    assert pinger.match(Pong(0, 1, 2), 30) is None


def test_numbers_wrap_as_their_field_does():
    pinger, ids = Pinger(), []
    for _ in range(2**16 + 1):
        pinger.ping(lambda ping: ids.append(ping.id) or 0)
    assert (ids[-2], ids[-1]) == (2**16 - 1, 0)
