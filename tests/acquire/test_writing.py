"""Locks of real processes, and links that lead out of a folder."""

import errno
import fcntl
import os
import signal
import socket
import threading
import time

import pytest

from acquire import writing
from acquire.errors import AcqError, BusyError
from acquire.writing import (
    SELECTION,
    UBFC,
    WITHDRAWAL,
    hold,
    holding,
    named,
    owner_of,
    reading,
    recordings_of,
    refuse_links_out,
    refuse_while_read,
)


@pytest.fixture
def holder(tmp_path):
    """A process that holds a lock until it is killed; its id."""
    ready, told = os.pipe()
    pid = os.fork()
    if not pid:
        with hold(tmp_path, UBFC):
            os.write(told, b"x")
            time.sleep(60)
        os._exit(0)
    os.read(ready, 1)
    yield pid
    os.kill(pid, signal.SIGKILL)
    os.waitpid(pid, 0)


def test_a_second_writer_is_refused_and_the_first_is_named(tmp_path, holder):
    begun_s = time.monotonic()
    with pytest.raises(BusyError) as caught, hold(tmp_path, UBFC):
        pass
    assert time.monotonic() - begun_s < 2
    for fact in (f"process {holder} on {socket.gethostname()}, since 20", "the curated folders"):
        assert fact in str(caught.value)
    assert owner_of(tmp_path, UBFC).pid == holder


def test_the_lock_of_a_process_that_was_killed_is_free_at_once(tmp_path, holder):
    os.kill(holder, signal.SIGKILL)
    os.waitid(os.P_PID, holder, os.WEXITED | os.WNOWAIT)
    assert owner_of(tmp_path, UBFC) is None
    with hold(tmp_path, UBFC):
        assert owner_of(tmp_path, UBFC).pid == os.getpid()


def test_who_waits_gets_the_lock_and_nothing_is_left(tmp_path):
    until = threading.Event()

    def hold_for_a_while():
        with hold(tmp_path, SELECTION):
            until.set()
            time.sleep(0.4)

    thread = threading.Thread(target=hold_for_a_while)
    thread.start()
    until.wait()
    with hold(tmp_path, SELECTION, wait_s=20):
        pass
    thread.join()
    assert list(tmp_path.iterdir()) == []


def test_many_processes_change_one_file_and_no_change_is_lost(tmp_path):
    count = tmp_path / "count"
    count.write_text("0")
    children = []
    for _ in range(8):
        pid = os.fork()
        if not pid:
            try:
                for _ in range(10):
                    with hold(tmp_path, SELECTION, wait_s=60):
                        count.write_text(str(int(count.read_text()) + 1))
                os._exit(0)
            finally:
                os._exit(1)
        children.append(pid)
    assert [os.waitpid(pid, 0)[1] for pid in children] == [0] * 8
    assert count.read_text() == "80"


def test_other_kinds_and_other_subjects_are_written_at_once(tmp_path):
    with hold(tmp_path, recordings_of("S01")):
        with hold(tmp_path, UBFC), hold(tmp_path, recordings_of("S02")):
            pass
        with pytest.raises(BusyError, match="recordings of s01"), hold(
            tmp_path, recordings_of("s01")
        ):
            pass


def test_a_function_holds_its_lock_to_its_end(tmp_path):
    @holding(UBFC, lambda data: (data / "ubfc",))
    def convert(data):
        return owner_of(data, UBFC)

    assert convert(tmp_path).pid == os.getpid()
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "ubfc").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(AcqError, match="a link that leads to"):
        convert(tmp_path / "data")


def test_a_folder_that_is_not_there_is_made_only_where_that_is_meant(tmp_path):
    with hold(tmp_path / "typo", UBFC):
        pass
    assert not (tmp_path / "typo").exists()
    with hold(tmp_path / "new", UBFC, make=True):
        pass
    assert list((tmp_path / "new").iterdir()) == []


def test_nothing_is_removed_for_good_while_somebody_reads_it(tmp_path):
    with reading(tmp_path), pytest.raises(BusyError, match=f"process {os.getpid()}"):
        refuse_while_read(tmp_path)
    refuse_while_read(tmp_path)
    with (
        hold(tmp_path, WITHDRAWAL), pytest.raises(BusyError, match="removes a subject"),
        reading(tmp_path),
    ):
        pass


def test_a_run_has_one_lock_before_and_after_it_gets_its_name():
    assert named(".20260101T000000Z.part").key == named("20260101T000000Z").key


def test_a_disk_without_locks_is_told_of(tmp_path, monkeypatch):
    def refuse(descriptor, how):
        raise OSError(errno.ENOLCK, "No locks available")

    monkeypatch.setattr(fcntl, "flock", refuse)
    with pytest.warns(writing.NoLocksWarning, match="no two programs"), hold(tmp_path, UBFC):
        pass


def test_an_owner_that_cannot_be_read_is_another_process(tmp_path):
    with hold(tmp_path, UBFC):
        (tmp_path / ".locks" / UBFC.key).write_text('{"program": 5')
        with pytest.raises(BusyError, match="found another process"), hold(tmp_path, UBFC):
            pass


@pytest.mark.parametrize("place", ["train", "train/subject1", "train/subject1/new"])
def test_no_folder_behind_a_link_to_another_place_is_written_to(tmp_path, place):
    data, outside = tmp_path / "data", tmp_path / "outside"
    (outside / "subject1").mkdir(parents=True)
    data.mkdir()
    (data / "train").symlink_to(outside)
    with pytest.raises(AcqError, match="a link that leads to") as caught:
        refuse_links_out(data, data / place)
    assert str(outside) in str(caught.value)


def test_a_link_within_the_folder_or_to_the_folder_itself_is_followed(tmp_path):
    data = tmp_path / "data"
    (data / "big").mkdir(parents=True)
    (data / "sessions").symlink_to("big")
    (tmp_path / "alias").symlink_to(data)
    refuse_links_out(tmp_path / "alias", tmp_path / "alias" / "sessions" / "S01")


def test_on_a_full_disk_a_lock_is_one_all_the_same(tmp_path, monkeypatch):
    def refuse(*_):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "write", refuse)
    with hold(tmp_path, UBFC):
        monkeypatch.undo()
        with pytest.raises(BusyError, match="the curated folders"), hold(tmp_path, UBFC):
            pass
