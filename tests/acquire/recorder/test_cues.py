"""Cues from a YAML file: what is refused, with its line, and the events they become."""

import pytest

from acq.advice import advise
from acquire.errors import CueError
from acquire.recorder.cues import CUE_BEGIN, CUE_END, Cue, CueTrack, load_cues

CUES = (Cue("rest", 2.0, "Sit still"), Cue("talk", 1.5, ""))


def load(tmp_path, text):
    path = tmp_path / "p.yaml"
    path.write_text(text)
    return load_cues(path)


def test_the_sample_protocol_is_twelve_minutes_with_the_four_tasks(repo):
    cues = load_cues(repo / "docs/protocols/drowsiness.yaml")
    assert cues.seconds == 720
    assert {cue.name for cue in cues.cues} == {"rest", "talk", "turn head", "drowsy"}
    assert all(cue.text for cue in cues.cues)


def test_which_cue_is_on_and_for_how_long(tmp_path):
    cues = load(
        tmp_path,
        "cues:\n- {name: rest, seconds: 2}\n- {name: talk, seconds: 1.5, text: Speak up}\n",
    )
    assert cues.name == "p"
    rest, talk = cues.cues
    assert cues.at(0.0) == (rest, 2.0, talk)
    assert cues.at(3.0) == (talk, 0.5, None)
    assert cues.at(3.5) == (None, 0.0, None)


@pytest.mark.parametrize(
    ("text", "line", "found"),
    [
        pytest.param("", 1, "an empty file", id="empty"),
        pytest.param("- a\n", 1, "a seq", id="a list"),
        pytest.param("name: x\n", 1, "a list of cues", id="no cues"),
        pytest.param("name: x\ncues: []\n", 2, "a list of cues", id="empty list"),
        pytest.param("cues:\n- {name: rest}\n", 2, "the key seconds", id="no seconds"),
        pytest.param("cues:\n- {seconds: 5}\n", 2, "the key name", id="no name"),
        pytest.param(
            "cues:\n- {name: a, seconds: 5}\n- {name: b, seconds: -1}\n", 3, "'-1'", id="negative"
        ),
        pytest.param("cues:\n- {name: a, seconds: .nan}\n", 2, "seconds between", id="nan"),
        pytest.param(
            "cues:\n- {name: a, seconds: [1]}\n", 2, "seconds between", id="list for seconds"
        ),
        pytest.param("cues:\n- name: a\n  seconds: 5\n  test: hm\n", 4, "'test'", id="unknown key"),
        pytest.param("cues:\n- name: a\n  name: b\n  seconds: 5\n", 3, "once", id="twice"),
        pytest.param("cues:\n- {name: 'a:b', seconds: 5}\n", 2, "a colon", id="colon"),
        pytest.param(
            "cues:\n- {name: a, seconds: 5, text: " + "x" * 201 + "}\n", 2, "200 characters",
            id="long",
        ),
        pytest.param(
            'cues:\n- {name: a, seconds: 5, text: "a\\e[31m"}\n', 2, r"found '\x1b'", id="escape"
        ),
        pytest.param("cues:\n- {name: a, seconds: 5\nx: [\n", 3, "YAML", id="no YAML"),
    ],
)
def test_what_is_no_protocol_is_one_line_with_its_place(tmp_path, text, line, found):
    with pytest.raises(CueError) as error:
        load(tmp_path, text)
    assert f"p.yaml:{line}; " in str(error.value) + "; "
    assert found in str(error.value)
    assert "\n" not in str(error.value)


def test_a_file_that_is_not_there_or_no_text(tmp_path):
    with pytest.raises(CueError, match="found nothing at") as error:
        load_cues(tmp_path / "none.yaml")
    assert "--protocol" in advise(error.value, "record")
    (tmp_path / "b.yaml").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(CueError, match=r"b\.yaml"):
        load_cues(tmp_path / "b.yaml")


def test_cues_fall_due_at_their_planned_times():
    track = CueTrack(CUES, 1_000)
    assert track.take_due(999) == []
    assert track.take_due(1_000) == [(1_000, CUE_BEGIN, "rest: Sit still")]
    assert track.take_due(2_500_000_000) == [
        (2_000_001_000, CUE_END, "rest"), (2_000_001_000, CUE_BEGIN, "talk"),
    ]
    assert track.take_last(2_600_000_000) == [(2_600_000_000, CUE_END, "talk (cut short)")]
    assert track.take_last(9_000_000_000) == []


def test_a_protocol_that_ran_to_its_end_is_not_cut_short():
    track = CueTrack(CUES, 0)
    events = track.take_last(3_500_000_000)
    assert [kind for _, kind, _ in events] == [CUE_BEGIN, CUE_END, CUE_BEGIN, CUE_END]
    assert events[-1] == (3_500_000_000, CUE_END, "talk")
    assert CueTrack(CUES, 0).take_last(-1) == []
