"""Names that may become paths, and the paths they become."""

import os
import re
from pathlib import Path
from unittest.mock import patch

import pytest

from acquire import data_folder
from acquire.data_folder import (
    check_new_subject,
    check_subject,
    doubtful_names,
    is_session_id,
    names_read_as_one,
    new_session_id,
    read_as,
    session_file,
    session_files,
)
from acquire.errors import SessionError


@pytest.mark.parametrize("subject", ["", "../etc", "a b", "-x", "x" * 33, "ä", "S01\n"])
def test_what_is_no_pseudonym_is_refused(subject):
    with pytest.raises(SessionError, match="expected a subject id") as error:
        check_subject(subject)
    assert error.value.found == repr(subject)


def test_a_session_is_named_after_its_subject_and_its_second():
    session_id = new_session_id("S01", 1_795_000_000.9)
    assert session_id == "S01-20261118T110640Z"
    assert is_session_id(session_id)
    path = session_file(Path("data"), "S01", session_id)
    assert path == Path("data/sessions/S01/S01-20261118T110640Z.h5")


def test_session_files_are_those_of_subjects_in_order(tmp_path):
    names = ["S02/b.h5", "S01/z.h5", "S01/a.h5"]
    for name in [*names, "S01/a.part", "S01/deep/c.h5", "S01/a.qc.json"]:
        path = tmp_path / "sessions" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"")
    assert session_files(tmp_path) == [tmp_path / "sessions" / name for name in sorted(names)]


@pytest.mark.parametrize("target", ["away", "S02"])
@pytest.mark.parametrize("name", ["sessions/S02", "sessions"])
def test_a_folder_that_cannot_be_entered_passes_for_no_empty_one(tmp_path, name, target):
    (tmp_path / "sessions/S01").mkdir(parents=True)
    (tmp_path / "sessions/S01/a.h5").touch()
    if name == "sessions":
        (tmp_path / name).rename(tmp_path / "before")
    link = tmp_path / name
    link.symlink_to(link.parent / "away" if target == "away" else link)
    with pytest.raises(OSError, match=re.escape(str(link))):
        session_files(tmp_path)


def test_what_no_subject_can_be_called_is_not_entered(tmp_path):
    (tmp_path / "sessions").mkdir()
    (tmp_path / "sessions/lost+found").symlink_to(tmp_path / "away")
    (tmp_path / "sessions/notes.txt").touch()
    assert session_files(tmp_path) == []
    assert session_files(tmp_path / "none") == []


@pytest.mark.parametrize(
    ("name", "other"),
    [
        ("S01", "s01"), ("S1", "S01"), ("P-007", "p-7"), ("S01-a", "S1-A"),
        ("subject１", "subject1"), ("Cafe\u0301", "Café"), ("ﬁ1", "FI01"), ("S00", "s0"),
    ],
)
def test_names_that_people_read_as_one(name, other):
    assert read_as(name) == read_as(other)


@pytest.mark.parametrize(
    ("name", "other"),
    [("S1", "S10"), ("S01", "S010"), ("S1", "S11"), ("S01", "S-01"), ("S01", "S01-b"),
     ("P100", "P1"), ("S0", "S")],
)
def test_names_that_people_tell_apart(name, other):
    assert read_as(name) != read_as(other)


def test_a_new_subject_is_refused_beside_one_that_is_read_the_same(tmp_path):
    check_new_subject(tmp_path, "S01")
    (tmp_path / "sessions/S01").mkdir(parents=True)
    check_new_subject(tmp_path, "S01")
    check_new_subject(tmp_path, "S10")
    for name in ("s01", "S1", "S001"):
        with pytest.raises(SessionError) as error:
            check_new_subject(tmp_path, name)
        assert error.value.found == f"{name} beside S01"
    with pytest.raises(SessionError, match="s2 beside S02"):
        check_new_subject(tmp_path, "s2", others=["S02"])
    assert doubtful_names(tmp_path) == []
    (tmp_path / "sessions/s01").mkdir()                # made by an earlier version
    check_new_subject(tmp_path, "s01")
    (doubt,) = doubtful_names(tmp_path)
    assert str(doubt).startswith(f"S01 and s01 in {tmp_path}/sessions are read as one name; where")
    (tmp_path / "sessions/s01/S01-x.h5").touch()
    assert doubtful_names(tmp_path, is_excluded=lambda session: session == "S01-x") == []
    assert len(doubtful_names(tmp_path, is_excluded=lambda session: session == "S01-y")) == 1
    assert names_read_as_one(["b", "A", "a", "B", "c", "c"]) == [("A", "a"), ("B", "b")]


def test_the_id_of_a_session_is_no_new_subject(tmp_path):
    name = new_session_id("S01", 1_767_258_000)
    with pytest.raises(SessionError) as error:
        check_new_subject(tmp_path, name)
    assert error.value.found == f"{name}, the id of a session"
    assert error.value.fix == "name the person, S01: each recording gets its own id"
    check_new_subject(tmp_path, "S01-20260101")
    (tmp_path / "sessions" / name).mkdir(parents=True)  # made by an earlier version
    check_new_subject(tmp_path, name)


def test_a_folder_that_cannot_be_entered_hides_no_other_doubt(tmp_path):
    for subject in ("S01", "s01"):
        (tmp_path / "sessions" / subject).mkdir(parents=True)
    (tmp_path / "sessions/s01/S01-1.H5").touch()
    scan = os.scandir

    def refuse(folder):
        if Path(folder).name == "S01":
            raise PermissionError(13, "Permission denied", folder)
        return scan(folder)

    with patch.object(os, "scandir", refuse):
        first, second, third = doubtful_names(tmp_path)
    assert first.found == "Permission denied"
    assert "are read as one name" in str(second)
    assert f"not read by anything in {tmp_path}/sessions: s01/S01-1.H5" in str(third)


def test_recordings_that_nothing_reads_are_named_and_what_macos_leaves_is_not(tmp_path):
    (tmp_path / "sessions/S01").mkdir(parents=True)
    for name in ("S01/S01-1.h5", "S01/._S01-1.h5", "S01/.DS_Store", "S01/S01-1.qc.json"):
        (tmp_path / "sessions" / name).touch()
    assert doubtful_names(tmp_path) == []
    unread = ("S01/S01-2.H5", "S02-1.h5", "lab1/S01/S01-3.h5")
    (tmp_path / "sessions/lab1/S01").mkdir(parents=True)
    for name in unread:
        (tmp_path / "sessions" / name).touch()
    (doubt,) = doubtful_names(tmp_path)
    assert doubt.facts.endswith(f"/sessions: {', '.join(unread)}")
    assert session_files(tmp_path) == [tmp_path / "sessions/S01/S01-1.h5"]


@pytest.mark.parametrize(
    ("name", "names", "near"),
    [
        ("PURE-4", ["PURE-03", "PURE-04"], ["PURE-04"]), ("ubfc2-2", ["UBFC2-02"], ["UBFC2-02"]),
        ("S0-20260101T090000Z", [f"S0{n}-20260101T090000Z" for n in (1, 2, 3)],
         [f"S0{n}-20260101T090000Z" for n in (1, 2, 3)]),
        ("Nobody", ["S01", "S02"], []), ("P-1", [f"PX-{n}" for n in range(2, 9)], []),
    ],
)
def test_the_names_that_were_probably_meant_are_all_that_are_equally_near(name, names, near):
    assert data_folder.near_names(name, names) == near
