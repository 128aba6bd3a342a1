"""Losses: jumps in a sequence, each under its cause."""

from acquire.recorder.losses import CAMERA_LOST, STORAGE_BEHIND, Losses


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
