"""LGI-PPGI: a time for each frame in XML, and an oximeter's own count beside it."""

import numpy as np
import pytest

from dataset.public.sets import find_set
from dataset.session.reader import Session
from tests.support.pulsing_sets import (
    check_pulse,
    import_all,
    import_one,
    make_lgi_ppgi,
    refusal,
    xml_of,
)

TIMES, SAMPLES = "cv_camera_sensor_timer_stream_handler.xml", "cms50_stream_handler.xml"
SESSION = "data/sessions/LGI-alex/LGI-alex-gym.h5"


@pytest.mark.parametrize("below", ["", "id1"])
def test_a_session_comes_over_with_its_irregular_times(tmp_path, below):
    make_lgi_ppgi(tmp_path / "set" / below)
    assert find_set(tmp_path / "set") == "lgi-ppgi"
    found = import_one(tmp_path / "set", tmp_path / "data")
    assert (found.session, found.subject, found.frames) == ("LGI-alex-gym", "LGI-alex", 150)
    assert "60/s, ending with the last frame; the PPG is 0.51 s longer than the video" in " ".join(
        found.defects
    )
    check_pulse(tmp_path / SESSION)
    with Session(tmp_path / SESSION) as session:
        steps_ms = np.diff(session.frame_time_ns) / 1e6
        assert np.ptp(steps_ms) > 20
        assert abs(session.ppg_time_ns[-1] - session.frame_time_ns[-1]) < 2
        assert (session.published["hr_bpm"] == 78).all()


def test_samples_that_the_oximeter_counted_and_lost_are_lost(tmp_path):
    make_lgi_ppgi(tmp_path / "set", lost=(100, 101, 300))
    found = import_one(tmp_path / "set", tmp_path / "data")
    assert found.lost_samples == 3
    assert "counted 389 samples, 3 of them lack" in " ".join(found.defects)
    check_pulse(tmp_path / SESSION)


def test_people_and_sessions_are_found_below_their_groups_and_others_are_named(tmp_path):
    root = tmp_path / "set"
    make_lgi_ppgi(root / "id1", session="rotation")
    make_lgi_ppgi(root / "id2", person="felix", session="talk", hr_bpm=140)
    (root / "id2/felix/felix_gym").mkdir()
    (root / "media").mkdir()
    found = import_all(root, tmp_path / "data")
    assert found.pop("id1/alex/alex_rotation").value.subject == "LGI-alex"
    felix = found.pop("id2/felix/felix_talk").value
    assert felix.subject == "LGI-felix"
    assert "the device's heart rate is 140.0 bpm, and that of its PPG" in felix.defects[-1]
    assert {name: one.cause.found for name, one in found.items()} == {
        "id2/felix/felix_gym": "nothing", "media": "nothing",
    }


def rows_of(count, step_ms=40.0):
    return [(at, step_ms * at) for at in range(count)]


@pytest.mark.parametrize(
    ("name", "text", "words"),
    [
        (TIMES, "1 2 3", "expected XML of values"),
        (TIMES, xml_of([]), "expected rows value0, value1, ..., found 0 rows"),
        (TIMES, xml_of(rows_of(150, 1.0)), "found numbers that count 0, 1, 2"),
        (TIMES, xml_of([*rows_of(149), (149, "late")]), "a time for each frame, found 1 that are"),
        (TIMES, xml_of([*rows_of(70), (), *rows_of(150)[71:]]), "found 1 that are none"),
        (TIMES, xml_of(rows_of(150)).replace("<cereal>", "<!DOCTYPE a [<!ENTITY b 'c'>]><cereal>"),
         "found a document type"),
        (SAMPLES, xml_of(rows_of(150)), "found 0 rows"),
        (SAMPLES, xml_of([(10 * at * at, 70, at % 9) for at in range(90)]), "count does not rise"),
        (SAMPLES, xml_of([(at if at < 50 else 1e30 * at, 70, at % 9) for at in range(90)]),
         "expected samples of one recording, found 90 counted up to"),
    ],
)
def test_what_is_no_such_file_is_refused_or_said(tmp_path, name, text, words):
    folder = make_lgi_ppgi(tmp_path / "set")
    (folder / name).write_text(text)
    ((_, outcome),) = import_all(tmp_path / "set", tmp_path / "data").items()
    if "count does not" in words:
        assert "does not rise by 1; samples taken in their order" in " ".join(outcome.value.defects)
        return
    assert words in outcome.error
    assert name in outcome.error


def test_a_session_that_the_set_does_not_have_is_kept_and_said(tmp_path):
    make_lgi_ppgi(tmp_path / "set", session="sleep")
    found = import_one(tmp_path / "set", tmp_path / "data")
    assert "session sleep is none of the set's, resting, rotation, talk, gym; kept" in found.defects


def test_a_row_without_values_keeps_its_place(tmp_path):
    path = make_lgi_ppgi(tmp_path / "set") / SAMPLES
    text = path.read_text()
    begin, end = text.index("<value100>"), text.index("</value100>")
    path.write_text(text[:begin] + "<value100>" + text[end:])
    found = import_one(tmp_path / "set", tmp_path / "data")
    assert found.lost_samples == 1
    assert "1 row of cms50_stream_handler.xml of fewer than 3 values" in " ".join(found.defects)
    assert "in their order" not in " ".join(found.defects)


@pytest.mark.parametrize("name", [TIMES, SAMPLES, "cv_camera_sensor_stream_handler.avi"])
def test_a_missing_file_is_named(tmp_path, name):
    folder = make_lgi_ppgi(tmp_path / "set")
    (folder / name).unlink()
    assert f"expected {name}, found " in refusal(tmp_path / "set", tmp_path / "data")


def test_times_that_end_before_the_video_go_on_and_are_said(tmp_path):
    folder = make_lgi_ppgi(tmp_path / "set")
    (folder / TIMES).write_text(xml_of(rows_of(140)))
    found = import_one(tmp_path / "set", tmp_path / "data")
    assert "10 frames have no published time" in " ".join(found.defects)
    assert found.frames == 150
