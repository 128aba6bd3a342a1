"""Two processes in one data folder, and links out of it: nothing is destroyed, one of two is told
who the other is.
"""

import os
import shutil
import signal
import time

import pytest
from typer.testing import CliRunner

from acq.commands.exclude import exclude
from acq.main import app
from acquire import data_folder
from acquire.errors import AcqError, BusyError
from acquire.simulation.sessions import SimulatedSession, write_sessions
from acquire.writing import (
    IMPORT,
    NOTES,
    OF_SUBJECTS,
    PURE,
    QUALITY,
    SELECTION,
    SIMULATION,
    UBFC,
    hold,
    named,
    reading,
    recordings_of,
)
from dataset.card.description import AboutDataset
from dataset.card.write import write_card
from dataset.convert.to_ubfc import convert_sessions
from dataset.export.write import export_sessions
from dataset.layouts.ubfc import load_manifest
from dataset.public.import_set import import_set
from dataset.quality.grade_sessions import grade_sessions
from dataset.quality_pages.write import write_pages
from dataset.recovery.recover import recover
from dataset.selection.choose import split_by_subject
from dataset.selection.exclusions import Exclusions
from dataset.selection.exclusions_file import read_exclusions
from dataset.selection.identities import identify_sessions
from dataset.selection.split_file import write_split
from dataset.session.subject import Subject, write_subject
from dataset.withdraw.withdraw import withdraw
from tests.support.ended import half_made, start
from tests.support.made_sessions import make_session
from tests.support.public_sets import make_dataset_2


@pytest.fixture(scope="module")
def template(tmp_path_factory):
    data = tmp_path_factory.mktemp("shared") / "data"
    for subject in ("S01", "S02", "S03"):
        make_session(data, subject, seconds=12.0)
    split = split_by_subject(identify_sessions(data), holdout=["S03"])
    write_split(split, data_folder.split_file(data))
    return data


@pytest.fixture
def data(template, tmp_path):
    return shutil.copytree(template, tmp_path / "data")


def recover_second(data):
    return recover(data_folder.session_files(data)[1])


PLAN = SimulatedSession("S01", 0, seed=0, duration_s=1.0, fps=25.0)
WRITERS = {
    "convert": (UBFC, convert_sessions),
    "convert --to pure": (PURE, export_sessions),
    "card": (UBFC, lambda data: write_card(data, AboutDataset())),
    "qc": (QUALITY, grade_sessions),
    "its pages": (
        QUALITY,
        lambda data: write_pages(
            [], data / "qc", excluded=Exclusions(), curves=lambda _: {}, thumbnails=None
        ),
    ),
    "simulate": (SIMULATION, lambda data: write_sessions([PLAN], data, jobs=1, force=True)),
    "import": (IMPORT, lambda data: list(import_set(data.parent / "set", data, which="ubfc2"))),
    "withdraw, all": (OF_SUBJECTS[0], lambda data: withdraw(data, "S01")),
    "withdraw, records": (recordings_of("S01"), lambda data: withdraw(data, "S01")),
}


@pytest.mark.parametrize(("writing", "write"), WRITERS.values(), ids=WRITERS)
def test_while_another_process_writes_one_is_refused_and_nothing_changes(data, writing, write):
    make_dataset_2(data.parent / "set" / "subject1", frames=40)
    before = {path: path.stat().st_mtime_ns for path in data.rglob("*") if path.is_file()}
    with (
        hold(data, writing),
        pytest.raises(BusyError, match=rf"process {os.getpid()} on .*wait until it has ended"),
    ):
        write(data)
    assert {
        path: path.stat().st_mtime_ns for path in data.rglob("*") if path.is_file()
    } == before


@pytest.mark.parametrize(
    ("writing", "words"),
    [
        pytest.param(SELECTION, ["split", "--holdout", "S02", "--force"], id="split"),
        pytest.param(
            SELECTION, ["exclude", "S01-20260101T090001Z", "--reason", "x"], id="exclude"
        ),
        pytest.param(NOTES, ["subject", "S01", "--sex", "F"], id="subject"),
        pytest.param(
            recordings_of("s01"),
            ["record", "--subject", "S01", "--simulate", "--duration", "1s", "--quiet"],
            id="record",
        ),
    ],
)
def test_a_verb_of_a_moment_waits_and_then_names_the_other(data, monkeypatch, writing, words):
    monkeypatch.setattr("acquire.writing.WAIT_S", 0.1)
    with hold(data, writing):
        done = CliRunner().invoke(app, [*words, "--data", str(data)])
    assert isinstance(done.exception, BusyError), done.output


def test_a_subject_is_not_removed_while_its_data_are_trained_on(data):
    with reading(data), pytest.raises(BusyError, match=f"process {os.getpid()}"):
        withdraw(data, "S01")
    assert data_folder.session_files(data)
    with hold(data, recordings_of("S02")):         # of somebody else
        withdraw(data, "S01")
    assert not (data / "sessions" / "S01").exists()


def test_exclusions_of_processes_at_once_are_all_there(data):
    names = [path.stem for path in data_folder.session_files(data)]
    children = []
    for name in names:
        pid = os.fork()
        if not pid:
            try:
                os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
                for n in range(8):
                    exclude([name], str(n), str(n + 1), "at once", data)
                os._exit(0)
            finally:
                os._exit(1)
        children.append(pid)
    assert [os.waitpid(pid, 0)[1] for pid in children] == [0, 0, 0]
    excluded = read_exclusions(data)
    assert [len(excluded.of(name)) for name in names] == [8, 8, 8]
    assert half_made(data) == []


def test_of_two_conversions_at_once_each_ends_well_or_names_the_other(data):
    pair = [start("convert", "--data", data, "--quiet", cwd=data.parent) for _ in range(2)]
    ends = [(*process.communicate(timeout=500), process.returncode) for process in pair]
    assert 0 in [code for _, _, code in ends], ends
    for number, (_, said, code) in enumerate(ends):
        assert code in (0, 1), said
        if code:
            assert f"acq convert (process {pair[1 - number].pid} on " in said
            assert len(said.splitlines()) == 1
    assert len(load_manifest(data / "ubfc").entries) == 3
    assert half_made(data) == []


def test_of_two_recoveries_at_once_one_keeps_the_recording_as_it_was_found(data):
    path = data_folder.session_files(data)[0]
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) - 2000])
    torn = path.read_bytes()
    children = []
    for _ in range(2):
        pid = os.fork()
        if not pid:
            try:
                recover(path)
                os._exit(0)
            except AcqError:
                os._exit(1)
            finally:
                os._exit(2)
        children.append(pid)
    codes = [os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) for pid in children]
    assert sorted(codes) in ([0, 0], [0, 1])
    assert path.with_name(f"{path.name}.killed").read_bytes() == torn
    assert half_made(data) == []


def test_a_recording_that_is_being_recovered_is_left_alone(data):
    path = data_folder.session_files(data)[0]
    path.write_bytes(path.read_bytes()[:-2000])
    with hold(path.parent, named(path.name)), pytest.raises(BusyError, match=path.name):
        recover(path)


def test_a_recorder_that_was_killed_blocks_nobody(data):
    process = start("record", "--subject", "S09", "--simulate", "--data", data, cwd=data.parent)
    while not list(data.glob("sessions/S09/*.h5")):
        assert process.poll() is None
        time.sleep(0.02)
    with (
        pytest.raises(BusyError, match=f"acq record .process {process.pid} on"),
        hold(data, recordings_of("S09")),
    ):
        pass
    os.killpg(process.pid, signal.SIGKILL)
    process.communicate()
    with hold(data, recordings_of("S09")):
        pass
    assert half_made(data) == []


def import_or_raise(data):
    for _, outcome in import_set(data.parent / "set", data, which="ubfc2"):
        if outcome.cause is not None:
            raise outcome.cause


LINKS = {
    "convert": ("ubfc/train", convert_sessions),
    "convert, its working folder": (".ubfc-partial", convert_sessions),
    "convert --to pure": ("pure", export_sessions),
    "card": ("ubfc", lambda data: write_card(data, AboutDataset())),
    "qc": ("sessions/S02", grade_sessions),
    "its pages": ("qc", WRITERS["its pages"][1]),
    "simulate": ("sessions/S01", WRITERS["simulate"][1]),
    "import": ("sessions/UBFC2-1", import_or_raise),
    "import, its working folder": (".import-partial", import_or_raise),
    "withdraw": ("sessions/S01", WRITERS["withdraw, all"][1]),
    "subject": ("sessions/S01", lambda data: write_subject(data, "S01", Subject(sex="F"))),
    "recover": ("sessions/S02", recover_second),
    "locks": (".locks", convert_sessions),
}


@pytest.mark.parametrize(("place", "write"), LINKS.values(), ids=LINKS)
def test_nothing_outside_is_written_or_deleted_through_a_link(data, tmp_path, place, write):
    outside, link = tmp_path / "outside", data / place
    if link.exists():
        link.rename(outside)
    else:
        (outside / "subject1").mkdir(parents=True)
        (outside / "subject1" / "diary.txt").write_text("mine")
        link.parent.mkdir(parents=True, exist_ok=True)
    for path in outside.rglob("*.h5") if write is recover_second else ():
        path.write_bytes(path.read_bytes()[:-2000])
    link.symlink_to(outside)
    make_dataset_2(data.parent / "set" / "subject1", frames=40)
    before = {path: path.lstat().st_mtime_ns for path in [outside, *outside.rglob("*")]}
    with pytest.raises(AcqError, match=r"found a link (that leads to|at) "):
        write(data)
    assert {path: path.lstat().st_mtime_ns for path in [outside, *outside.rglob("*")]} == before


def test_the_folder_of_recordings_may_lie_on_another_disk(data, tmp_path):
    (data / "sessions").rename(tmp_path / "disk")
    (data / "sessions").symlink_to(tmp_path / "disk")
    make_dataset_2(data.parent / "set" / "subject1", frames=40)
    WRITERS["import"][1](data)
    assert list((tmp_path / "disk").glob("UBFC2-1/*.h5"))
    WRITERS["withdraw, all"][1](data)
    assert not (tmp_path / "disk" / "S01").exists()
