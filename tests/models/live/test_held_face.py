"""Whose face is read: rendered people in a room, found by the shipped MTCNN; places are known."""

import math

import numpy as np
import pytest

pytest.importorskip("onnxruntime")

from dataset.face.box import detector_box
from models.live.held_face import (
    ANOTHER,
    FOUND,
    GONE,
    HELD,
    LOST,
    MOVED,
    PATIENCE_S,
    SEVERAL,
    UNREAD_PATIENCE_S,
    HeldFace,
)
from tests.support.rooms import DARK, LIGHT, finder, room

SEAT, BEHIND = (150, 140, 95), (330, 110, 40)      # x, y, width of a face


class Watched:
    """A held face, and the room that it looks at twice a second."""

    def __init__(self, **options):
        self.held, self.time_s = HeldFace(finder().find, factor=1.6, **options), 0.0
        self.changes = []

    def watch(self, seconds, *people):
        """Show people for some time; return the boxes that they really have."""
        for _ in range(round(2 * seconds)):
            image, boxes = room(*people, seed=round(2 * self.time_s))
            change = self.held.update(image, self.time_s, has_jumped=True)
            if change is not None:
                self.changes.append(change)
            self.time_s += 0.5
        return boxes

    def wait(self, seconds, *people):
        """Show people for some time, looked at once at its end."""
        self.time_s += seconds - 0.5
        return self.watch(0.5, *people)

    def assert_holds(self, meant):
        assert self.held.state == HELD
        assert self.held.box is not None
        own = detector_box(self.held.box)
        assert iou(own, meant) > 0.6


def iou(one, other):
    width = min(one.right, other.right) - max(one.left, other.left)
    height = min(one.bottom, other.bottom) - max(one.top, other.top)
    both = max(width, 0) * max(height, 0)
    return both / (one.width * one.height + other.width * other.height - both)


def test_a_child_behind_is_not_taken_while_the_driver_is_lost():
    watched = Watched()
    driver, child = (LIGHT, *SEAT), (DARK, *BEHIND)
    watched.watch(1, driver, child)
    own, _ = watched.wait(7, driver, child)
    watched.assert_holds(own)
    assert watched.held.others == 1
    watched.watch(4, child)                                   # it was taken after 3.5 s before
    watched.wait(4, child)
    assert (watched.held.box, watched.held.state) == (None, ANOTHER)
    assert watched.held.rest_s(watched.time_s) == pytest.approx(PATIENCE_S - 8, abs=1.1)
    own, _ = watched.watch(1, driver, child)
    watched.assert_holds(own)
    assert watched.held.why == "the face is back after 8 s"
    assert watched.changes == [FOUND, LOST, FOUND]


def test_the_driver_lost_before_anything_was_read_leaves_no_child_either():
    watched = Watched(patience_s=math.inf)
    watched.watch(2, (LIGHT, *SEAT), (DARK, *BEHIND))
    watched.watch(1, (DARK, *BEHIND))
    watched.wait(UNREAD_PATIENCE_S + 4, (DARK, *BEHIND))
    assert (watched.held.box, watched.held.state) == (None, ANOTHER)


@pytest.mark.parametrize("place", [
    pytest.param(SEAT, id="on the same seat"), pytest.param((320, 130, 75), id="elsewhere"),
])
def test_somebody_else_is_taken_live_only_long_after_and_by_name(place):
    watched = Watched()
    watched.watch(0.5, (LIGHT, *SEAT))
    watched.wait(6.5, (LIGHT, *SEAT))
    watched.watch(1.5, (DARK, *place))
    watched.wait(PATIENCE_S - 2.5, (DARK, *place))
    assert (watched.held.box, watched.held.state) == (None, ANOTHER)
    own, = watched.watch(2, (DARK, *place))
    watched.assert_holds(own)
    assert watched.changes == [FOUND, LOST, FOUND]
    assert watched.held.why.startswith(
        "another face is read from here; the one before has been gone for 3"
    )


def test_somebody_else_is_never_taken_in_one_file():
    watched = Watched(patience_s=math.inf)
    watched.watch(0.5, (LIGHT, *SEAT))
    watched.wait(6.5, (LIGHT, *SEAT))
    watched.watch(1, (DARK, *SEAT))
    watched.wait(600, (DARK, *SEAT))
    assert (watched.held.box, watched.held.state) == (None, ANOTHER)
    assert math.isinf(watched.held.rest_s(watched.time_s))
    own, = watched.watch(1, (LIGHT, *BEHIND))
    watched.assert_holds(own)                                 # back, elsewhere, and farther away


def test_where_nothing_was_read_the_next_of_that_size_is_taken_in_a_file_too():
    watched = Watched(patience_s=math.inf)
    watched.watch(2, (LIGHT, *SEAT))                          # passes by
    watched.watch(1, (DARK, 320, 130, 75))
    watched.wait(UNREAD_PATIENCE_S - 2, (DARK, 320, 130, 75))
    assert watched.held.box is None
    own, = watched.watch(2, (DARK, 320, 130, 75))
    watched.assert_holds(own)


def test_two_people_who_change_places_between_frames_are_told_apart():
    watched = Watched()
    left, right = (140, 130, 75), (340, 130, 75)
    watched.watch(1, (LIGHT, *left))
    watched.watch(1, (LIGHT, *left), (DARK, *right))
    own, _ = watched.watch(2, (LIGHT, *right), (DARK, *left))
    watched.assert_holds(own)
    assert watched.changes == [FOUND, MOVED]
    assert watched.held.others == 1


def test_two_faces_that_look_the_same_are_not_chosen_between():
    watched = Watched()
    watched.watch(1, (LIGHT, *SEAT))
    watched.watch(1)
    watched.wait(4)
    assert watched.held.state == GONE
    watched.watch(1, (LIGHT, 80, 130, 70), (LIGHT, 380, 130, 70))
    assert (watched.held.box, watched.held.state) == (None, ANOTHER)


@pytest.mark.parametrize("twin", ["S08", "S02"])          # who look much like LIGHT
def test_one_who_was_seen_beside_the_first_is_not_taken_for_it(twin):
    watched = Watched()
    watched.watch(1, (LIGHT, *SEAT), (twin, *BEHIND))
    watched.watch(1.5, (twin, *BEHIND))
    watched.watch(0.5, (twin, *BEHIND, 3))
    assert (watched.held.box, watched.held.state) == (None, ANOTHER)
    own, _ = watched.watch(1, (LIGHT, 320, 130, 80), (twin, 120, 110, 40))
    watched.assert_holds(own)


def test_a_passer_by_changes_nothing():
    watched = Watched()
    own, = watched.watch(1, (LIGHT, *SEAT))
    before = watched.held.box
    for x in range(440, 230, -40):
        own, _ = watched.watch(0.5, (LIGHT, *SEAT), (DARK, x, 120, 95))
    watched.watch(1, (LIGHT, *SEAT))
    watched.assert_holds(own)
    assert watched.held.box == before
    assert watched.changes == [FOUND]
    assert watched.held.others == 0


def test_a_much_larger_face_is_taken_while_nothing_was_read():
    watched = Watched()
    watched.watch(1, (DARK, *BEHIND))
    own, _ = watched.watch(1, (LIGHT, 150, 140, 95), (DARK, *BEHIND))
    watched.assert_holds(own)
    assert watched.held.why.startswith("a much larger face is read instead")


def test_several_from_the_start_are_not_chosen_between():
    watched = Watched()
    watched.watch(1, (LIGHT, 140, 130, 75), (DARK, 340, 130, 70))
    assert (watched.held.box, watched.held.state) == (None, SEVERAL)
    own, = watched.watch(2.5, (DARK, 340, 130, 70))
    watched.assert_holds(own)


def test_a_walk_across_the_picture_is_followed_in_steps():
    watched = Watched()
    for at, x in enumerate(range(80, 410, 30)):               # 0.9 widths a second
        watched.watch(0.5, (LIGHT, x, 135 + at % 3, 70, at % 4))
        assert watched.held.box.left < x < watched.held.box.right
    own, = watched.watch(1, (LIGHT, 400, 135, 70))
    watched.assert_holds(own)
    assert watched.held.state == HELD
    assert set(watched.changes[1:]) == {MOVED}
    assert 4 <= len(watched.changes) <= 12                    # in steps, not at every look


@pytest.mark.parametrize("seconds", [2, 20])
def test_a_face_that_comes_back_elsewhere_is_known_again(seconds):
    watched = Watched()
    watched.watch(1, (LIGHT, *SEAT))
    watched.watch(1)
    watched.wait(seconds - 1)
    assert watched.held.state == GONE
    own, = watched.watch(1, (LIGHT, 330, 120, 60, 12))
    watched.assert_holds(own)
    assert watched.held.why == f"the face is back after {seconds:.0f} s"
    assert watched.changes == [FOUND, LOST, FOUND]


def test_a_head_that_tilts_is_held():
    watched = Watched()
    watched.watch(1, (LIGHT, *SEAT))
    for degrees in (10, 20, 30, 10, -10, -20, -30):
        watched.watch(0.5, (LIGHT, *SEAT, 0, degrees))
    assert watched.changes == [FOUND]
    assert watched.held.state == HELD


def test_a_box_does_not_follow_jitter():
    watched = Watched()
    rng = np.random.default_rng(3)
    for _ in range(8):
        dx, dy = rng.integers(-5, 6, 2)
        watched.watch(0.5, (LIGHT, SEAT[0] + dx, SEAT[1] + dy, SEAT[2]))
    assert watched.changes == [FOUND]
