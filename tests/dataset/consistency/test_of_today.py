"""Folders that are whole but not of today are refused by all, and what is said renews them."""

import re
import shlex
import shutil

import h5py
import pytest
from typer.testing import CliRunner

from acq.advice import advise
from acq.main import app
from acquire import data_folder
from acquire.errors import CurationError, SplitError
from dataset.card.description import AboutDataset
from dataset.card.write import write_card
from dataset.consistency.of_today import (
    check_of_today,
    find_outdated,
    read_today,
)
from dataset.consistency.unsplit import find_unsplit
from dataset.convert.settings import RequestedSettings
from dataset.convert.to_ubfc import convert_sessions
from dataset.export.write import export_sessions
from dataset.layouts.export_manifest import read_export_manifest
from dataset.layouts.manifest import MANIFEST
from dataset.layouts.manifest_file import read_manifest
from dataset.selection.exclusions import Exclusion, Exclusions
from dataset.selection.exclusions_file import write_exclusions
from dataset.verify.verify import verify_data
from tests.support.made_sessions import make_session
from tests.support.splits import write_new_split

WHEN = "2026-01-01T00:00:00"


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    data = tmp_path_factory.mktemp("made")
    for number, subject in enumerate(("S01", "S02", "S03"), start=1):
        make_session(data, subject, number, seconds=3.5)
    write_new_split(data, "S03")
    assert not convert_sessions(data).failed
    assert not export_sessions(data, asked=RequestedSettings(fps="native")).failed
    return data


@pytest.fixture
def data(made, tmp_path):
    return shutil.copytree(made, tmp_path / "data")


def session_of(data, subject):
    return next((data / "sessions" / subject).glob("*.h5"))


def another_split(data):
    write_new_split(data, "S02")


def excluded(data):
    whole = Exclusion(session_of(data, "S02").stem, None, None, "bad", WHEN)
    write_exclusions(data, Exclusions((whole,)))


def excluded_and_split(data):
    excluded(data)
    write_new_split(data, "S03")


def part_excluded(data):
    part = Exclusion(session_of(data, "S02").stem, 0.0, 0.3, "moved", WHEN)
    write_exclusions(data, Exclusions((part,)))


def recording_changed(data):
    with h5py.File(session_of(data, "S01"), "r+") as file:
        file["ppg/value"][5] += 1


CHANGES = [
    (another_split, "were made by another split than"),
    (excluded, "which is excluded"),
    (excluded_and_split, "which is excluded"),
    (part_excluded, "was made when other parts of"),
    (recording_changed, "was made from another state of"),
]


@pytest.mark.parametrize(("change", "words"), CHANGES, ids=[one.__name__ for one, _ in CHANGES])
def test_what_is_not_of_today_is_refused_until_what_is_said_was_done(data, change, words):
    root = data_folder.ubfc_dir(data)
    check_of_today(data, read_manifest(root / MANIFEST))
    change(data)
    with pytest.raises(CurationError, match=words) as error:
        check_of_today(data, read_manifest(root / MANIFEST))
    exported = read_export_manifest(data_folder.pure_dir(data))
    today = read_today(data, [entry.session for entry in exported.entries])
    (outdated,) = [
        one for one in find_outdated(data, exported, today) if words in one.error.facts
    ]
    assert "--to pure" in advise(outdated.error, "verify")
    do_what_is_said(data, advise(error.value, "evaluate"))
    check_of_today(data, read_manifest(root / MANIFEST))
    if change is recording_changed:
        do_what_is_said(data, advise(outdated.error, "verify"))
        exported = read_export_manifest(data_folder.pure_dir(data))
        assert find_outdated(data, exported, read_today(data, [])) == []


def test_every_reader_asks(data):
    """The card, training and evaluation refuse; verify tells of both layouts."""
    another_split(data)
    words = "were made by another split than"
    with pytest.raises(CurationError, match=words):
        write_card(data, AboutDataset())
    stale = [finding for finding in verify_data(data).findings if finding.kind == "stale"]
    manifests = {finding.place for finding in stale if words in finding.text}
    assert manifests == {f"{data}/ubfc/{MANIFEST}", f"{data}/pure/{MANIFEST}"}
    pytest.importorskip("torch")
    from models.data.curated import load_curated
    from models.export.quantise import training_motion

    manifest = read_manifest(data_folder.ubfc_dir(data) / MANIFEST)
    for read in (load_curated, lambda data: training_motion(data, manifest.data_hash)):
        with pytest.raises(CurationError, match=words):
            read(data)


def do_what_is_said(data, line):
    """Run the commands of the advice, as a person would."""
    said = line.rpartition("; ")[2].replace("SUBJECT", "S03")
    for words in re.findall(r"acq (\w+(?: --\w+(?: pure| S03)?)*)", said):
        done = CliRunner().invoke(app, [*shlex.split(words), "--data", str(data), "--quiet"])
        assert done.exit_code == 0, (words, done.output, done.exception)


def test_what_cannot_be_compared_is_let_pass(data):
    """Folders that were carried to another machine have neither recordings nor a split."""
    manifest = read_manifest(data_folder.ubfc_dir(data) / MANIFEST)
    data_folder.split_file(data).unlink()
    check_of_today(data, manifest)
    for path in data_folder.session_files(data):
        path.unlink()
    check_of_today(data, manifest)
    assert find_unsplit(data) == []


def test_a_recording_in_no_split_is_told_of_and_the_rest_is_used(data):
    new = make_session(data, "S04", 4, seconds=1.0)
    check_of_today(data, read_manifest(data_folder.ubfc_dir(data) / MANIFEST))
    (doubt,) = find_unsplit(data)
    assert new.stem in str(doubt)
    done = CliRunner().invoke(app, ["card", "--data", str(data)])
    assert done.exit_code == 0
    assert new.stem in done.stderr
    assert "acq split --force" in done.stderr
    data_folder.split_file(data).write_text("{")
    with pytest.raises(SplitError):
        find_unsplit(data)
