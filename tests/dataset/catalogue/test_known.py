"""What is kept of recordings on the disk is used while nothing changed, and never believed else."""

import json
import os
import shutil

import h5py
import pytest

from acquire import data_folder
from dataset.catalogue.known import KnownSessions
from dataset.catalogue.listing import list_sessions
from dataset.catalogue.row import read_row
from dataset.quality.result import SessionQuality, write_quality
from dataset.session.reader import Session
from dataset.withdraw.withdraw import withdraw
from tests.support.made_sessions import make_session

LONG_AGO = (1, 1)


@pytest.fixture
def data(tmp_path):
    for subject in ("S01", "S02"):
        os.utime(make_session(tmp_path, subject, seconds=0.3), LONG_AGO)
    return tmp_path


@pytest.fixture
def opened(monkeypatch):
    """Return the names of the recordings that are opened from now on."""
    names = []
    monkeypatch.setattr(
        "dataset.session.reader.Session", lambda path: names.append(path.stem[:3]) or Session(path)
    )
    return names


def frames(listing):
    return [row.frames for row in listing.rows]


def test_a_second_process_reads_no_recording_that_stayed_as_it_was(data, opened):
    first = list_sessions(data)
    assert opened == ["S01", "S02"]
    assert list_sessions(data) == first
    assert opened == ["S01", "S02"]


def test_a_recording_of_the_same_size_and_time_is_read_again_where_it_changed(data, opened):
    first = list_sessions(data)
    path = data_folder.session_files(data)[0]
    size = path.stat().st_size
    with h5py.File(path, "r+") as file:
        file["ppg/bound_ns"][:] = 900_000
    os.utime(path, LONG_AGO)
    assert path.stat().st_size == size
    opened.clear()
    again = list_sessions(data)
    assert opened == ["S01"]
    assert (first.rows[0].sync_bound_ms, again.rows[0].sync_bound_ms) == (0.7, 0.9)


def test_a_grade_that_came_later_and_a_recording_that_went_are_seen(data, opened):
    list_sessions(data)
    first, second = data_folder.session_files(data)
    write_quality(first, SessionQuality(
        first.stem, "S01", "0" * 64, False, 1.0, "bad", (), {}, "", "0"
    ))
    second.unlink()
    assert [(row.subject, row.grade) for row in list_sessions(data).rows] == [("S01", "bad")]


def test_a_file_whose_name_is_no_text_is_read_each_time_and_the_others_once(data, opened):
    first = data_folder.session_files(data)[0]
    odd = os.path.join(os.fsencode(first.parent), b"S09-\xff.h5")
    shutil.copy(first, odd)
    os.utime(odd, LONG_AGO)
    assert len(list_sessions(data).rows) == 3
    assert len(list_sessions(data).rows) == 3
    assert opened == ["S01", "S09", "S02", "S09"]


@pytest.mark.parametrize(
    "what", ["cut", "other version", "of another acq", "a row that lacks", "{}"]
)
def test_what_is_not_whole_or_of_another_version_is_not_believed(data, opened, what):
    first = list_sessions(data)
    path = data_folder.known_sessions_file(data)
    body = json.loads(path.read_text())
    for entry in body["entries"]:
        entry["row"]["frames"] = 12345
    if what == "other version":
        body["schema_version"] += 1
    elif what == "of another acq":
        body["acq_version"] = "0.0.1"
    elif what == "a row that lacks":
        del body["entries"][1]["row"]["session"]
    text = json.dumps(body)
    path.write_text(text[: len(text) // 2] if what == "cut" else "{}" if what == "{}" else text)
    assert list_sessions(data) == first
    assert json.loads(path.read_text())["entries"][0]["row"]["frames"] == first.rows[0].frames


def test_what_was_written_a_moment_ago_or_cannot_be_read_is_not_kept(data, opened):
    first, second = data_folder.session_files(data)
    os.utime(first)
    second.write_bytes(second.read_bytes()[:-1])
    os.utime(second, LONG_AGO)
    for _ in range(2):
        opened.clear()
        assert len(list_sessions(data).errors) == 1
        assert opened == ["S01", "S02"]
    assert not data_folder.known_sessions_file(data).exists()


@pytest.mark.parametrize("why", ["not allowed", "a link out"])
def test_a_folder_that_takes_nothing_is_listed_all_the_same(data, opened, why, tmp_path_factory):
    cache = data_folder.known_sessions_file(data).parent
    outside = tmp_path_factory.mktemp("outside")
    if why == "a link out":
        cache.symlink_to(outside)
    else:
        cache.write_text("no folder")
    assert frames(list_sessions(data)) == frames(list_sessions(data)) == [9, 9]
    assert opened == ["S01", "S02"] * 2
    assert list(outside.iterdir()) == []


def test_a_list_without_a_change_is_not_written_again(data):
    known = KnownSessions(data)
    list_sessions(data, known=known)
    path = data_folder.known_sessions_file(data)
    inode = path.stat().st_ino
    list_sessions(data, known=known)
    list_sessions(data)
    assert path.stat().st_ino == inode


def test_who_lists_while_a_subject_is_withdrawn_keeps_nothing_and_disturbs_nothing(data):
    list_sessions(data)

    def list_meanwhile(step):
        if step == "split":
            assert [row.subject for row in list_sessions(data).rows] == ["S01", "S02"]
            assert not data_folder.known_sessions_file(data).exists()

    withdraw(data, "S01", on_step=list_meanwhile)
    assert [row.subject for row in list_sessions(data).rows] == ["S02"]
    assert "S01" not in data_folder.known_sessions_file(data).read_text()


def test_two_processes_read_what_one_reads_and_it_is_kept(data, opened):
    one = list_sessions(data)
    data_folder.known_sessions_file(data).unlink()
    damaged = data_folder.sessions_dir(data) / "S03" / "damaged.h5"
    damaged.parent.mkdir()
    damaged.write_text("no session")
    opened.clear()
    two = list_sessions(data, jobs=2)
    assert opened == []
    assert two.rows[:2] == one.rows
    assert (two.rows[2].state, len(two.errors)) == ("unreadable", 1)
    assert "not HDF5" in two.rows[2].problem
    assert list_sessions(data).rows == two.rows
    assert opened == ["dam"]


def test_a_recording_that_a_defect_of_ours_cannot_read_is_a_row_with_that_reason(data, monkeypatch):
    def fail(path):
        if path.parent.name == "S01":
            raise ZeroDivisionError("by nothing")
        return read_row(path)

    monkeypatch.setattr("dataset.catalogue.known.read_row", fail)
    listed = list_sessions(data)
    assert [row.state for row in listed.rows] == ["unreadable", "complete"]
    assert "ZeroDivisionError: by nothing" in listed.rows[0].problem
