"""What lies under the root of a set: imported, or named for what it is; nothing vanishes."""

import os
import shutil
from pathlib import Path

import pytest

from acquire.errors import CurationError, Fix
from dataset.public.import_set import import_set
from dataset.session.summary import summarise_session
from tests.support.public_sets import make_dataset_2


@pytest.fixture(scope="module")
def plain(tmp_path_factory):
    folder = tmp_path_factory.mktemp("plain") / "subject1"
    make_dataset_2(folder, frames=40, labels=40)
    return folder


def import_all(root, data):
    return {path.name: outcome for path, outcome in import_set(root, data)}


def test_links_archives_and_leftovers_are_named_or_passed(plain, tmp_path):
    root = tmp_path / "set"
    root.mkdir()
    (root / "subject1").symlink_to(plain)
    (root / "subject2").symlink_to(tmp_path / "gone")
    for name in ("subject3.zip", "subject4.7z.001", "readme.txt", ".DS_Store"):
        (root / name).write_bytes(b"x")
    for name in ("__MACOSX", "Subject 5"):
        (root / name).mkdir()
    found = import_all(root, tmp_path / "data")
    assert found.pop("subject1").value is not None
    assert {name: outcome.cause.found for name, outcome in found.items()} == {
        "subject2": f"a link to {tmp_path / 'gone'}, which is not there",
        "subject3.zip": "an archive", "subject4.7z.001": "an archive", "Subject 5": "another name",
    }
    assert all(outcome.cause.fix for outcome in found.values())


def test_names_of_another_case_and_nested_folders_are_found(plain, tmp_path):
    root = tmp_path / "set"
    nested = root / "subject10001" / "subject10001" / "subject10001"
    shutil.copytree(plain, nested)
    (nested / "vid.avi").rename(nested / "Vid.AVI")
    (nested / "ground_truth.txt").rename(nested / "Ground_Truth.TXT")
    (nested / "._Vid.AVI").write_bytes(b"of macOS")
    (nested.parent / "__MACOSX").mkdir()
    made = import_all(root, tmp_path / "data")["subject10001"].value
    assert (made.session, made.frames, made.samples) == ("UBFC2-10001", 40, 40)
    (summary,) = map(summarise_session, (tmp_path / "data").rglob("*.h5"))
    assert summary.started is None
    # kept: the same bytes under the names of the set are the same files
    (nested / "Vid.AVI").rename(nested / "vid.avi")
    assert import_all(root, tmp_path / "data")["subject10001"].value.kept
    shutil.copy(nested / "vid.avi", nested / "VID.avi")
    (nested / "vid.avi").rename(nested / "Vid.avi")
    refused = import_all(root, tmp_path / "data")["subject10001"].cause
    assert "expected one vid.avi, found VID.avi and Vid.avi" in refused.facts


@pytest.mark.parametrize(
    ("names", "found", "fix"),
    [
        ((), "no folder", Fix.CHOOSE_SET),
        (("__MACOSX",), "only __MACOSX, which macOS adds to an archive", Fix.CHOOSE_SET),
        (("DATASET_2/subject1",), "DATASET_2", "name {root}/DATASET_2, which holds them"),
        (("a/b/subject1",), "a", "name {root}/a/b, which holds them"),
        (("subject1.zip",), "subject1.zip", "unpack it"),
        (("train/subject1", "test/subject2"), "test, train",
         "name one of those that hold them, such as {root}/train"),
        (("a", "b", "c", "d", "e", "f", "g"), "a, b, c, d, e and 2 more", Fix.CHOOSE_SET),
    ],
)
@pytest.mark.parametrize("which", [None, "ubfc2", "pure"])
def test_a_root_without_a_set_says_what_it_holds(tmp_path, names, found, fix, which):
    root = tmp_path / "set"
    root.mkdir()
    for name in names:
        if name.endswith(".zip"):
            (root / name).write_bytes(b"PK")
        else:
            (root / name).mkdir(parents=True)
    with pytest.raises(CurationError) as caught:
        list(import_set(root, tmp_path / "data", which=which))
    assert caught.value.found == found
    assert caught.value.fix == (fix.format(root=root) if isinstance(fix, str) else fix)
    assert not (tmp_path / "data").exists()


def test_a_folder_of_a_set_named_as_the_root_says_what_to_name(tmp_path):
    (tmp_path / "set" / "subject1").mkdir(parents=True)
    with pytest.raises(CurationError) as caught:
        list(import_set(tmp_path / "set" / "subject1", tmp_path / "data"))
    assert caught.value.fix == f"name {tmp_path / 'set'}, which holds it"


def test_files_in_a_folder_of_another_name_are_named(plain, tmp_path):
    shutil.copytree(plain, tmp_path / "set" / "subject1" / "data")
    refused = import_all(tmp_path / "set", tmp_path / "data")["subject1"].cause
    assert "expected ground_truth.txt, found one in the folder data" in refused.facts


@pytest.mark.parametrize("there", ["vid.mp4", "subject1.zip", "Vid.avi.part.avi"])
def test_what_is_there_instead_of_a_file_is_named(plain, tmp_path, there):
    folder = shutil.copytree(plain, tmp_path / "set" / "subject1")
    (folder / "vid.avi").rename(folder / there)
    refused = import_all(folder.parent, tmp_path / "data")["subject1"].cause
    assert f"expected vid.avi, found {there} at {folder / 'vid.avi'}" in refused.facts


@pytest.mark.parametrize(("put", "found"), [(Path.mkdir, "a folder"), (os.mkfifo, "a pipe")])
def test_what_is_no_file_is_not_called_nothing(plain, tmp_path, put, found):
    folder = shutil.copytree(plain, tmp_path / "set" / "subject1")
    (folder / "ground_truth.txt").unlink()
    put(folder / "ground_truth.txt")
    refused = import_all(folder.parent, tmp_path / "data")["subject1"].cause
    assert f"expected ground_truth.txt, found {found} at" in refused.facts


def test_a_file_that_is_a_link_to_nowhere_is_named(plain, tmp_path):
    folder = shutil.copytree(plain, tmp_path / "set" / "subject1")
    for name in ("ground_truth.txt", "vid.avi"):
        (folder / name).unlink()
        (folder / name).symlink_to("/gone")
        refused = import_all(folder.parent, tmp_path / "data")["subject1"].cause
        assert f"expected {name}, found a link to /gone, which is not there" in refused.facts
        (folder / name).unlink()
        shutil.copy(plain / name, folder / name)


def test_a_root_that_is_no_folder_says_what_to_do(tmp_path):
    (tmp_path / "set.zip").write_bytes(b"PK")
    for name, found in (("set.zip", "an archive"), ("nowhere", "none")):
        with pytest.raises(CurationError, match=f"found {found} at .*{name}; .*name the folder"):
            list(import_set(tmp_path / name, tmp_path / "data"))
