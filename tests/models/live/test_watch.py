"""Every state of a face is told with its reason, and what an interruption cost."""

from pathlib import Path

import numpy as np
import pytest

from dataset.face.box import FaceBox, enlarge
from models.live.held_face import PATIENCE_S
from models.live.picture_check import DARK_BELOW
from models.live.predict import Prediction, PredictionRow
from models.live.states import (
    ANOTHER_FACE,
    DARK,
    FACE_LOST,
    FROZEN,
    GAP,
    LOOKING,
    READING,
    SETTLING,
    TWO_FACES,
    Interruptions,
    LiveReading,
)
from models.live.watch import FaceWatch
from tests.support.live_scenes import FACE, Scene, frame_times

OTHER = FaceBox(44, 12, 60, 34)


def look(watch, scene, seconds, begin_s):
    """Look at each picture; return every look."""
    return [
        watch.look(scene.picture(t), float(t), 0.1, strength=0.0)
        for t in frame_times(seconds, fps=10, begin_s=begin_s)
    ]


def look_before_black(scene, watch, level, *, seconds=3):
    """Look at the scene's faces in a light of some level, before a black background."""
    looks = []
    for t in frame_times(seconds, fps=10):
        seen, picture = scene.picture(t), np.zeros((48, 64, 3), np.uint8)
        for box in scene.faces:
            box.crop(picture)[:] = box.crop(seen) * (level / 120)
        assert picture[::16, ::16].mean() < DARK_BELOW
        looks.append(watch.look(picture, float(t), 0.1, strength=0.0))
    return looks


def test_it_is_the_face_that_is_too_dark_and_not_what_is_behind_it():
    scene = Scene(bpm=0)
    watch = FaceWatch(scene.find, factor=1.6)
    looks = look_before_black(scene, watch, 80)
    assert all(one.problem is None and one.averaged is not None for one in looks)
    assert [one.begins for one in looks if one.begins is not None] == ["face found"]
    watch = FaceWatch(scene.find, factor=1.6)
    looks = look_before_black(scene, watch, 12)
    assert {one.problem and one.problem.state for one in looks} == {DARK}
    # a face in the dark does not look like itself in light, and is not held
    assert watch.box is None


def test_two_lit_faces_before_black_are_two_faces():
    scene = Scene(bpm=0)
    scene.faces, scene.people[OTHER] = [FACE, OTHER], 1
    looks = look_before_black(scene, FaceWatch(scene.find, factor=1.6), 45)
    assert {one.problem and one.problem.state for one in looks} == {TWO_FACES}


@pytest.mark.parametrize("is_camera", [False, True])
def test_a_picture_that_stands_still_is_told_of_a_file_and_of_a_camera(is_camera):
    scene = Scene(bpm=0)
    watch = FaceWatch(scene.find, factor=1.6)
    if is_camera:
        watch.note_camera()
    look(watch, scene, 2, 0)
    scene.still = True
    problem = look(watch, scene, 2, 2)[-1].problem
    assert problem
    assert problem.state == FROZEN
    asked = ": is the camera frozen?" if is_camera else ""
    assert problem.words == f"the picture has stood still for 2 s{asked}"


def test_somebody_else_is_told_and_taken_only_after_a_while():
    scene = Scene(bpm=0)
    scene.people[OTHER] = 1
    watch = FaceWatch(scene.find, factor=1.6)
    first = look(watch, scene, 8, 0)
    assert [one.begins for one in first if one.begins is not None] == ["face found"]
    scene.faces = [OTHER]
    gone = look(watch, scene, 20, 8)
    told = next(one.problem for one in gone if one.problem and one.problem.state == ANOTHER_FACE)
    assert told.words.startswith("a face that does not look like the one that was read, last seen ")
    assert "; this one is read in 2" in told.words
    assert watch.box is None
    assert all(one.averaged is None for one in gone[-10:])
    after = look(watch, scene, PATIENCE_S - 18, 28)
    assert watch.box == enlarge(OTHER)
    begins = [one.begins for one in after if one.begins is not None]
    assert len(begins) == 1
    assert begins[0].startswith("another face is read from here; the one before has been gone for")


def test_after_a_cut_the_face_is_searched_for_at_once():
    scene = Scene(bpm=0)
    watch = FaceWatch(scene.find, factor=1.6)
    times = iter(np.arange(0, 20, 0.1))
    searched = 0
    for time_s in times:        # until just after a search that was due by the clock
        watch.look(scene.picture(time_s), time_s, 0.1, strength=0.0)
        if time_s > 4 and scene.searches > searched:
            break
        searched = scene.searches
    scene.people[FACE] = 1
    time_s = next(times)
    cut = watch.look(scene.picture(time_s), time_s, 0.1, strength=0.0)
    assert (cut.begins or "").startswith("the face was another picture at once")
    searched, time_s = scene.searches, next(times)
    watch.look(scene.picture(time_s), time_s, 0.1, strength=0.0)
    assert scene.searches == searched + 1


def test_before_a_hole_in_time_the_stretch_ends_with_its_last_frame():
    scene = Scene(bpm=0)
    watch = FaceWatch(scene.find, factor=1.6)
    look(watch, scene, 4, 0)
    hole = watch.look(scene.picture(7.0), 7.0, 3.0, strength=0.0)
    assert hole.problem
    assert hole.problem.state == GAP
    assert hole.until_s == pytest.approx(4.0, abs=1e-5)


def test_what_an_interruption_cost_is_told_with_the_first_heart_rate_after_it():
    told = Interruptions()
    words = [
        told.tell(LiveReading(float(at), state, state, reason=reason)).words
        for at, (state, reason) in enumerate([
            (LOOKING, ""), (SETTLING, "face found"), (READING, ""), (READING, ""), (FACE_LOST, ""),
            (SETTLING, "the face is back after 2 s"), (READING, ""), (READING, ""),
            (SETTLING, "the face has left its box"), (READING, ""),
        ])
    ]
    assert [one for one in words if ";" in one] == [
        "reading; after 3 s without a heart rate: face lost",
        "reading; after 2 s without a heart rate: the face has left its box",
    ]


def test_a_state_that_begins_for_another_reason_is_news():
    first = LiveReading(1.0, SETTLING, "face found; heart rate in 9 s", reason="face found")
    later = LiveReading(2.0, SETTLING, "face found; heart rate in 8 s", reason="face found")
    moved = LiveReading(3.0, SETTLING, "the face has left", reason="the face has left")
    assert not later.is_news_after(first)
    assert moved.is_news_after(later)
    rows = [PredictionRow(reading, None) for reading in (first, moved)]
    result = Prediction(Path("a.avi"), True, 40, 4.0, rows, 0, "", 1.0)
    assert [(begin, end) for begin, end, _ in result.spans] == [(1.0, 3.0), (3.0, 4.0)]
    assert result.without_rate_s == {SETTLING: pytest.approx(3.0)}
