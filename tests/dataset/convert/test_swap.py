"""A conversion that is stopped anywhere leaves whole folders, and is continued by the next."""

import shutil

import pytest

from acquire.errors import CurationError
from dataset.convert import swap, to_ubfc
from dataset.convert.to_ubfc import PARTIAL, convert_sessions
from dataset.layouts.avi import read_bgr
from dataset.layouts.manifest import MANIFEST
from dataset.layouts.ubfc import VIDEO, load_manifest, read_labels
from tests.support.made_sessions import make_session
from tests.support.splits import write_new_split


@pytest.fixture
def data(tmp_path):
    for subject in ("S01", "S02", "S03"):
        make_session(tmp_path, subject, seconds=4.0, bpm=60 + 10 * int(subject[1:]))
    write_new_split(tmp_path, "S03")
    return tmp_path


class Stopped(BaseException):
    """Somebody pulled the plug."""


def stop_at(monkeypatch, at):
    """Stop at the n-th write of a manifest, removal or renaming of a folder of ours."""
    steps = []

    def counted(function):
        def step(*args, **kwargs):
            steps.append(function)
            if len(steps) >= at:
                raise Stopped
            return function(*args, **kwargs)

        return step

    for module in (to_ubfc, swap):
        monkeypatch.setattr(module, "write_manifest", counted(module.write_manifest))
    monkeypatch.setattr(swap.Path, "rename", counted(swap.Path.rename))
    removed, guarded = swap.shutil.rmtree, counted(swap.shutil.rmtree)

    def remove(path, **kwargs):
        (removed if PARTIAL in str(path) else guarded)(path, **kwargs)

    monkeypatch.setattr(swap.shutil, "rmtree", remove)


def stopped_everywhere(data, monkeypatch, every=1, **kwargs):
    """Convert copies of `data`, each stopped at another step; yield the copy and its folders."""
    for at in range(1, 100, every):
        copy = data.parent / f"{data.name}-{at}"
        shutil.copytree(data, copy)
        before = whole_folders(copy)
        with monkeypatch.context() as patch:
            stop_at(patch, at)
            try:
                convert_sessions(copy, **kwargs)
            except Stopped:
                pass
            else:
                return
        yield at, copy, before
        shutil.rmtree(copy)
    raise AssertionError("it never came to an end")


def whole_folders(data):
    """The folders that hold as many labels as frames, by number."""
    found = {}
    for folder in (data / "ubfc").glob("*/*"):
        assert len(read_labels(folder)[0]) == len(list(read_bgr(folder / VIDEO))) == 120
        assert folder.name not in found
        found[folder.name] = folder.parent.name
    return found


def test_an_interruption_anywhere_leaves_whole_folders_and_is_continued(data, monkeypatch):
    stops = 0
    for _, copy, before in stopped_everywhere(data, monkeypatch, every=2):
        stops += 1
        assert not before
        made = len(whole_folders(copy))
        if (copy / "ubfc" / MANIFEST).exists():
            with pytest.raises(CurationError, match="found an unfinished one"):
                load_manifest(copy / "ubfc")
        done = convert_sessions(copy)
        assert len(done.written) + len(done.kept) == 3
        assert len(done.kept) >= made
        load_manifest(copy / "ubfc")
        assert not (copy / PARTIAL).exists()
        assert not (copy / swap.REPLACING).exists()
    assert stops > 5


def test_an_interruption_of_force_loses_no_folder_and_leaves_foreign_ones_alone(data, monkeypatch):
    """S00 came later and sorts first, yet is subject4; raw PPG makes all folders anew, and two
    change sides.

    A replacement has five steps: every fourth place meets each of them at some folder.
    """
    convert_sessions(data)
    make_session(data, "S00", seconds=4.0)
    write_new_split(data, "S01")
    for at, copy, before in stopped_everywhere(data, monkeypatch, every=4, ppg="raw", force=True):
        waiting = {p.name.partition("-")[2] for p in (copy / swap.REPLACING).glob("t*-subject*")}
        assert set(before) <= set(whole_folders(copy)) | waiting
        if at % 12 == 1:
            foreign = copy / "ubfc/train/subject9"
            foreign.mkdir(parents=True)
            (foreign / VIDEO).write_bytes(b"mine")
            for force in (False, True):
                with pytest.raises(CurationError, match="found train/subject9 in"):
                    convert_sessions(copy, ppg="raw", force=force)
            assert (foreign / VIDEO).read_bytes() == b"mine"
            shutil.rmtree(foreign)
        convert_sessions(copy, ppg="raw", force=True)
        manifest = load_manifest(copy / "ubfc")
        assert {e.subject: e.folder for e in manifest.entries} == {
            "S00": "train/subject4", "S01": "test/subject1", "S02": "train/subject2",
            "S03": "train/subject3",
        }
        assert {e.labels.ppg_filter["kind"] for e in manifest.entries} == {"none"}
        assert len(list((copy / "ubfc").glob("*/*"))) == 4
        assert manifest.stale == ()


def test_an_interrupted_change_of_sides_is_continued(data, monkeypatch):
    convert_sessions(data)
    write_new_split(data, "S01")
    for _, copy, before in stopped_everywhere(data, monkeypatch, force=True):
        assert set(whole_folders(copy)) == set(before)
        done = convert_sessions(copy, force=True)
        assert done.written == ()
        assert {e.subject: e.folder for e in done.manifest.entries} == {
            "S01": "test/subject1", "S02": "train/subject2", "S03": "train/subject3"
        }
        assert load_manifest(copy / "ubfc") == done.manifest
        assert len(list((copy / "ubfc").glob("*/*"))) == 3
