"""Losses: jumps in a sequence, each under its cause."""

import pytest

from acquire.recorder.losses import CAMERA_LOST, STORAGE_BEHIND, Losses, SilenceCount


def test_a_jump_is_counted_under_its_cause():
    losses = Losses()
    assert [losses.advance(n, CAMERA_LOST) for n in (0, 1, 4, 5, 9)] == [0, 0, 2, 0, 3]
    assert losses.by_cause == {CAMERA_LOST: 5}
    assert losses.last == 9


def test_frames_missing_before_the_first_are_lost_too():
    losses = Losses()
    assert losses.advance(3, CAMERA_LOST) == 3


def test_losses_move_to_another_cause_and_leave_no_empty_one():
    losses = Losses()
    losses.advance(4, CAMERA_LOST)
    losses.move(1, to=STORAGE_BEHIND, old=CAMERA_LOST)
    assert losses.by_cause == {CAMERA_LOST: 3, STORAGE_BEHIND: 1}
    losses.move(3, to=STORAGE_BEHIND, old=CAMERA_LOST)
    assert dict(losses.by_cause) == {STORAGE_BEHIND: 4}
    losses.move(0, to=CAMERA_LOST, old=STORAGE_BEHIND)
    assert dict(losses.by_cause) == {STORAGE_BEHIND: 4}


@pytest.mark.parametrize(("silent", "held", "missing"), [
    pytest.param((), (), 0, id="none"),
    pytest.param(((2.0, 5.0),), (), 150, id="a silence"),
    pytest.param(((2.0, 5.0), (6.0, 6.1), (8.0, 9.0)), (), 200, id="two, and one too short"),
    pytest.param((), ((2.0, 5.0),), 0, id="the host did not run, and all of it had waited"),
    pytest.param(((2.0, 4.0),), ((2.0, 5.0),), 100, id="it did not run, and a part had waited"),
])
def test_a_silence_of_a_sensor_without_numbers_is_counted_while_it_is_recorded(
    silent, held, missing
):
    count, sequence = SilenceCount(50), -1
    for at_s in (row / 50.2 for row in range(600)):             # its clock is not quite ours
        if any(first <= at_s < last for first, last in silent):
            continue
        arrival_s = max([at_s, *(last for first, last in held if first <= at_s < last)])
        sequence += 1
        count.add(round((arrival_s + 0.016 - arrival_s % 0.016) * 1e9), sequence)   # an adapter
    assert count.missing == pytest.approx(missing, abs=2)
