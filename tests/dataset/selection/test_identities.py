"""Every session that can be used is identified; every other one is named."""

import h5py
import pytest

from acquire import layout
from acquire.errors import Fix, SessionError, SplitError
from dataset.selection.choose import split_by_subject
from dataset.selection.exclusions import Exclusions
from dataset.selection.exclusions_file import write_exclusions
from dataset.selection.identities import identify_sessions
from dataset.selection.make_exclusion import make_exclusion
from tests.support.made_sessions import make_session


def test_recordings_that_were_never_closed_are_refused_all_at_once(data):
    open_ones = [make_session(data, subject, seconds=0.3) for subject in ("S04", "S05")]
    for path in open_ones:
        with h5py.File(path, "r+", libver="latest") as file:
            file.swmr_mode = True
            file.flush()
            growing = path.read_bytes()
        path.write_bytes(growing)
    with pytest.raises(
        SplitError, match="expected recordings that have ended, found still growing or killed"
    ) as caught:
        identify_sessions(data)
    assert all(str(path) in str(caught.value) for path in open_ones)
    assert caught.value.fix is Fix.RECOVER_OR_EXCLUDE
    assert caught.value.of == " ".join(path.stem for path in open_ones)
    excluded = Exclusions()
    for path in open_ones:
        excluded = excluded.adding(make_exclusion(path, from_s=None, to_s=None, reason="goes on"))
    write_exclusions(data, excluded)
    assert {identity.subject for identity in identify_sessions(data)} == {"S01", "S02", "S03"}


def test_all_that_cannot_be_read_are_named_at_once(data):
    damaged = [make_session(data, subject, seconds=0.3) for subject in ("S04", "S05")]
    damaged[0].write_bytes(damaged[0].read_bytes()[:2000])
    damaged[1].write_bytes(damaged[1].read_bytes()[:3000])
    with pytest.raises(SessionError, match=r"^2 recordings cannot be read: ") as caught:
        identify_sessions(data)
    assert all(str(path) in str(caught.value) for path in damaged)
    assert "\n" not in str(caught.value)


def test_one_that_may_not_be_read_is_not_to_be_recovered(data, monkeypatch):
    secret = make_session(data, "S04", seconds=0.3)
    damaged = make_session(data, "S05", seconds=0.3)
    damaged.write_bytes(damaged.read_bytes()[:2000])
    is_hdf5 = h5py.is_hdf5

    def refuse(path):
        if path == secret:
            raise PermissionError(13, "Permission denied")
        return is_hdf5(path)

    monkeypatch.setattr("h5py.is_hdf5", refuse)
    with pytest.raises(SplitError) as caught:
        identify_sessions(data)
    assert {(error.fix, error.of) for error in caught.value.causes} == {
        (Fix.GET_PERMISSION, secret.stem), (Fix.RECOVER_OR_EXCLUDE, damaged.stem),
    }


def test_what_is_no_file_is_not_to_be_recovered(data):
    first = make_session(data, "S04", seconds=0.3)
    folder, link = (first.with_name(f"S04-2026010{day}T090000Z.h5") for day in (2, 3))
    folder.mkdir()
    link.symlink_to("nowhere.h5")
    with pytest.raises(SessionError, match=r"a folder.*a link that leads to nothing") as caught:
        identify_sessions(data)
    assert caught.value.fix is Fix.MOVE_AWAY
    assert caught.value.of == f"{folder.stem} {link.stem}"


def test_an_identity_knows_the_heart_rate_and_where_it_came_from(tmp_path):
    for subject, bpm, origin in (("S01", 66.0, ""), ("S02", 90.0, "UBFC-rPPG DATASET_2")):
        path = make_session(tmp_path, subject, bpm=bpm, seconds=8.0)
        if origin:
            with h5py.File(path, "r+") as file:
                file.attrs[layout.IMPORTED_ATTR] = origin
    first, second = identify_sessions(tmp_path)
    assert first.hr_bpm == pytest.approx(66.0, abs=0.3)
    assert first.hr_bpm == round(first.hr_bpm, 1)
    assert second.hr_bpm == pytest.approx(90.0, abs=0.3)
    assert (first.imported_from, second.imported_from) == ("", "UBFC-rPPG DATASET_2")
    # an imported session and one of acq together
    (fold,) = split_by_subject([first, second], test_fraction=0.5).folds
    assert {fold.test_hr_bpm, fold.train_hr_bpm} == {
        (identity.hr_bpm, identity.hr_bpm) for identity in (first, second)
    }


def test_an_empty_folder(tmp_path):
    with pytest.raises(SplitError, match="expected recordings, found none in") as caught:
        identify_sessions(tmp_path)
    assert caught.value.fix is Fix.RECORD


def test_a_recording_in_the_wrong_folder_could_leak(tmp_path):
    make_session(tmp_path, "S01", seconds=0.3, folder="S02")
    found = r"in its subject's folder, found one of S01 at .*S02/.*; if it is another person of"
    with pytest.raises(SplitError, match=found):
        identify_sessions(tmp_path)


def test_two_sessions_of_one_name(tmp_path):
    path = make_session(tmp_path, "S01", seconds=0.3)
    path.with_name("copy.h5").write_bytes(path.read_bytes())
    with pytest.raises(SessionError, match="expected each session once"):
        identify_sessions(tmp_path)
