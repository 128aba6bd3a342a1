"""Pauses of this process, with a given clock."""

from acquire.recorder.host_watch import HostPause, HostWatch, overlap_ns, was_paused

S = 10**9


def test_a_look_that_comes_much_too_late_is_a_pause_and_a_little_late_is_not():
    times = iter([0, int(0.1 * S), int(0.5 * S), int(3.6 * S), int(3.7 * S)])
    watch = HostWatch(lambda: next(times))
    for _ in range(4):
        watch.look()
    assert watch.found.get_nowait() == HostPause(int(0.5 * S), int(3.6 * S))
    assert watch.found.empty()


def test_what_lies_in_a_pause_or_beside_it_is_told_from_what_does_not():
    pauses = [HostPause(10 * S, 13 * S), HostPause(20 * S, 21 * S)]
    assert was_paused(pauses, 12 * S, 14 * S)
    assert was_paused(pauses, int(13.05 * S), 14 * S)
    assert not was_paused(pauses, 14 * S, 19 * S)
    assert not was_paused([], 0, 100 * S)
    assert overlap_ns(pauses, 12 * S, 30 * S) == 2 * S
    assert overlap_ns(pauses, 14 * S, 19 * S) == 0
