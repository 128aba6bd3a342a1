"""What is noted of a subject: bands and ids, checked when written and when read."""

import json

import pytest
from typer.testing import CliRunner

from acq.main import app
from acquire import data_folder
from acquire.errors import SessionError, SubjectError
from dataset.session.subject import FIELDS, Subject, check_field, read_subject, write_subject
from tests.support.made_sessions import make_session


def test_written_and_read(tmp_path):
    noted = Subject("25-34", "F", "IV", "6", "C-2026/014")
    path = write_subject(tmp_path, "S01", noted)
    assert path == tmp_path / "sessions/S01/subject.json"
    assert read_subject(tmp_path, "S01") == noted
    assert read_subject(tmp_path, "S02") is None
    assert [p.name for p in path.parent.iterdir()] == ["subject.json"]


def test_it_is_no_recording(tmp_path):
    session = make_session(tmp_path, "S01", seconds=0.2)
    write_subject(tmp_path, "S01", Subject())
    assert data_folder.session_files(tmp_path) == [session]


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("age_band", "27"), ("age_band", "34-25"), ("sex", "w"), ("sex", "hombre"),
        ("fitzpatrick", "VII"),
        ("monk", "11"), ("monk", True), ("consent", "Ada Lovelace"), ("consent", "ada@example.org"),
        ("consent", ""), ("consent", "x" * 65),
    ],
)
def test_what_may_not_be_noted_is_refused_with_its_place(tmp_path, field, value):
    path = write_subject(tmp_path, "S01", Subject())
    path.write_text(json.dumps({**json.loads(path.read_text()), field: value}))
    with pytest.raises(SubjectError, match=rf"subject\.json, {field}"):
        read_subject(tmp_path, "S01")


@pytest.mark.parametrize(
    "text", ["{", "[]", "{}", '{"schema": "acq-subject", "schema_version": 2}',
             '{"schema": "acq-subject", "schema_version": 1, "subject": "S02"}',
             '{"schema": "acq-subject", "schema_version": 1, "subject": "S01", "name": "Ada"}'],
)
def test_what_is_no_such_file_is_refused(tmp_path, text):
    write_subject(tmp_path, "S01", Subject()).write_text(text)
    with pytest.raises(SubjectError, match=r"subject\.json"):
        read_subject(tmp_path, "S01")


def test_numbers_written_by_hand_do(tmp_path):
    path = write_subject(tmp_path, "S01", Subject())
    path.write_text(json.dumps({**json.loads(path.read_text()), "monk": 4, "sex": "f"}))
    assert read_subject(tmp_path, "S01") == Subject(monk="4", sex="F")


@pytest.mark.parametrize(
    ("field", "said", "noted"),
    [
        ("sex", "female", "F"), ("sex", " Woman ", "F"), ("sex", "f", "F"), ("sex", "MALE", "M"),
        ("sex", "man", "M"), ("sex", "m", "M"), ("sex", "other", "X"), ("sex", "non-binary", "X"),
        ("sex", "x", "X"), ("fitzpatrick", "4", "IV"), ("fitzpatrick", "type iv", "IV"),
        ("fitzpatrick", "vi", "VI"), ("age_band", "25 - 34", "25-34"),
        ("age_band", "25\u201334", "25-34"), ("age_band", "65+", "65+"), ("monk", " 7", "7"),
    ],
)
def test_what_people_write_is_read_as_what_is_noted(field, said, noted):
    assert check_field(field, said, where="here") == noted


@pytest.mark.parametrize(
    ("field", "said"),
    [("sex", "w"), ("sex", "h"), ("sex", "mujer"), ("sex", ""), ("fitzpatrick", "0"),
     ("fitzpatrick", "7"), ("fitzpatrick", "III-IV"), ("age_band", "34\u201325"), ("monk", "11")],
)
def test_what_may_mean_either_is_refused(field, said):
    """`w` is a woman in German, `h` a man in French; what else is meant is not guessed."""
    with pytest.raises(SubjectError, match="in the answer"):
        check_field(field, said, where="in the answer")


def test_the_verb_notes_shows_and_replaces_only_when_forced(tmp_path):
    def acq(*words):
        return CliRunner().invoke(app, ["subject", *words, "--data", str(tmp_path)])

    assert isinstance(acq("S01").exception, SubjectError)
    done = acq("S01", "--age-band", "25-34", "--sex", "f", "--json")
    assert json.loads(done.stdout) == {
        "subject": "S01", **dict.fromkeys(FIELDS), "age_band": "25-34", "sex": "F",
    }
    assert f"S01 has no recording in {tmp_path} yet" in done.stderr
    assert acq("S01", "--consent", "C7").exit_code == 0
    assert "--force" in str(acq("S01", "--age-band", "35-44").exception)
    assert acq("S01", "--age-band", "35-44", "--force").exit_code == 0
    assert read_subject(tmp_path, "S01") == Subject(age_band="35-44", sex="F", consent="C7")
    assert "35-44" in acq("S01").stdout
    assert isinstance(acq("../x", "--sex", "F").exception, SessionError)
    assert "--monk" in str(acq("S02", "--monk", "11").exception)
    assert not (tmp_path / "sessions/S02").exists()
