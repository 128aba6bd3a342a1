"""What acq exported and imports again stays what it was: simulated, and of the same people."""

import shutil
from contextlib import closing

import cv2
import numpy as np
import pytest

from acquire import data_folder
from acquire.camera.replay import ReplayCamera
from acquire.camera.video_mark import is_marked_video
from acquire.errors import CurationError
from dataset.consistency.copies import find_copies_across_subjects, find_imported_copies
from dataset.convert.settings import RequestedSettings
from dataset.convert.to_ubfc import convert_sessions
from dataset.export.write import export_sessions
from dataset.layouts.marks import is_marked_png
from dataset.public.import_set import import_set
from dataset.selection.identities import identify_sessions
from dataset.session.reader import Session
from tests.support.made_sessions import make_session
from tests.support.splits import write_new_split


@pytest.fixture(scope="module")
def exported(tmp_path_factory):
    """Make a data folder of virtual subjects in both layouts: S01 recorded twice, S02 once."""
    data = tmp_path_factory.mktemp("exported")
    for number, subject in enumerate(("S01", "S01", "S02"), start=1):
        make_session(data, subject, number, seconds=4.0, bpm=60 + 9 * number, simulated=True)
    write_new_split(data, "S02")
    convert_sessions(data)
    export_sessions(data, asked=RequestedSettings(fps="native"))
    return data


def imported(root, data):
    """Import a folder of recordings; return (subject, simulated) of each session, sorted."""
    for _, outcome in import_set(root, data):
        assert outcome.value is not None, outcome.error
    found = []
    for path in data_folder.session_files(data):
        with Session(path) as session:
            found.append((session.subject, session.simulated))
            assert session.imported_from.startswith("an export of acq in the layout of")
            assert session.sensor.name == "not stated"
    return sorted(found)


@pytest.mark.parametrize("layout", ["ubfc", "pure"])
def test_with_its_manifest_an_export_keeps_its_people_and_its_mark(exported, tmp_path, layout):
    prefix = {"ubfc": "UBFC2", "pure": "PURE"}[layout]
    assert imported(exported / layout / "train", tmp_path) == [(f"{prefix}-S01", True)] * 2
    assert imported(exported / layout / "test", tmp_path)[-1] == (f"{prefix}-S02", True)


@pytest.mark.parametrize("layout", ["ubfc", "pure"])
def test_without_its_manifest_the_files_say_that_they_are_simulated(exported, tmp_path, layout):
    copy = tmp_path / "copy"
    shutil.copytree(exported / layout / "train", copy)
    people = {"ubfc": ["UBFC2-1", "UBFC2-2"], "pure": ["PURE-01"] * 2}[layout]
    assert imported(copy, tmp_path / "data") == [(name, True) for name in people]


def test_a_renamed_folder_is_found_by_its_labels(exported, tmp_path):
    shutil.copytree(exported / "ubfc", tmp_path / "ubfc")
    (tmp_path / "ubfc/train/subject1").rename(tmp_path / "ubfc/train/subject3")   # S02's number
    assert imported(tmp_path / "ubfc/train", tmp_path / "data") == [("UBFC2-S01", True)] * 2


def test_a_manifest_that_cannot_be_read_leaves_its_folders_out(exported, tmp_path):
    shutil.copytree(exported / "ubfc", tmp_path / "ubfc")
    manifest = tmp_path / "ubfc/manifest.json"
    manifest.write_text(manifest.read_text().replace('"S01"', '"S09"', 1))
    outcomes = [outcome for _, outcome in import_set(tmp_path / "ubfc/train", tmp_path / "data")]
    assert len(outcomes) == 2
    assert all(isinstance(outcome.cause, CurationError) for outcome in outcomes)


def test_real_sessions_are_not_marked(tmp_path):
    for subject in ("S01", "S02"):
        make_session(tmp_path, subject, seconds=4.0)
    write_new_split(tmp_path, "S02")
    convert_sessions(tmp_path)
    assert not is_marked_video(tmp_path / "ubfc/train/subject1/vid.avi")
    assert imported(tmp_path / "ubfc/train", tmp_path / "data") == [("UBFC2-S01", False)]


def test_published_readers_pass_over_the_marks(exported):
    """OpenCV and the two keys of PURE's JSON; a replay of the video is simulated, too."""
    import json

    video = next((exported / "ubfc/train").rglob("vid.avi"))
    with closing(ReplayCamera(video)) as camera:
        assert camera.info.simulated
    capture = cv2.VideoCapture(str(video))
    assert capture.read()[0]
    assert capture.get(cv2.CAP_PROP_FRAME_COUNT) > 100
    folder = exported / "pure/train/01-01"
    body = json.loads((folder / "01-01.json").read_text())
    assert len([label["Value"]["waveform"] for label in body["/FullPackage"]]) > 100
    picture = sorted((folder / "01-01").glob("*.png"))[0]
    assert is_marked_png(picture)
    assert cv2.imread(str(picture), cv2.IMREAD_UNCHANGED).dtype == np.uint8


@pytest.mark.parametrize("layout", ["ubfc", "pure"])
@pytest.mark.parametrize("has_manifest", [True, False])
def test_a_folder_made_of_a_session_that_is_here_is_not_imported(
    exported, tmp_path, layout, has_manifest
):
    """Else the person is there under a second name, and may be trained on and tested on."""
    shutil.copytree(exported, tmp_path / "data")
    shutil.copytree(tmp_path / "data" / layout, tmp_path / "copy")
    if has_manifest:
        for folder in ("ubfc", "pure"):
            shutil.rmtree(tmp_path / "data" / folder)
    else:
        (tmp_path / "copy" / "manifest.json").unlink()
    before = data_folder.session_files(tmp_path / "data")
    outcomes = list(import_set(tmp_path / "copy" / "train", tmp_path / "data"))
    assert len(outcomes) == 2
    assert all(outcome.value is None for _, outcome in outcomes)
    for (folder, outcome), path in zip(sorted(outcomes), before, strict=False):
        where = str(path) if has_manifest else f"curated in {tmp_path}/data/{layout}/train/"
        assert f"found {folder.name} made by acq of {path.stem}, which is " in outcome.error
        assert where in outcome.error
        assert outcome.error.endswith("nothing of it is imported: use that session")
    assert data_folder.session_files(tmp_path / "data") == before


def test_what_acq_made_of_one_session_is_told_of_under_two_subjects(exported, tmp_path):
    """Once with the session itself, which comes later, and once as two exports of it."""
    for layout in ("ubfc", "pure"):
        assert imported(exported / layout / "train", tmp_path)
    twice = [str(error) for error in find_imported_copies(tmp_path)]
    (original, other) = [path for path in data_folder.session_files(exported) if "S01" in path.name]
    assert len(twice) == 2
    for error, path in zip(twice, (original, other), strict=True):
        assert "of PURE-S01 and UBFC2-" in error
        assert f"with the same session {path.stem}" in error
    shutil.rmtree(data_folder.sessions_dir(tmp_path) / "PURE-S01")
    target = data_folder.sessions_dir(tmp_path) / "S01" / original.name
    target.parent.mkdir()
    shutil.copy(original, target)
    sessions = identify_sessions(tmp_path)
    (error,) = find_copies_across_subjects(tmp_path, sessions)
    assert f"{original.stem} of S01" in str(error)
    assert "of UBFC2-S01" in str(error)
    assert f"with the same session {original.stem}" in str(error)
