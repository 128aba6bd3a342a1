"""Every set is known to the command, has its rows in the page of public sets, and a subject."""

import re

import pytest

from acq.commands.import_ import SetName
from acquire.data_folder import is_subject_id
from acquire.errors import CurationError
from dataset.public.sets import SETS, find_set
from tests.support.public_sets import make_dataset_2
from tests.support.pulsing_sets import import_all, make_mmpd, make_scamps


def test_a_set_is_chosen_by_its_key_and_described_in_the_page(repo):
    assert sorted(name.value for name in SetName) == sorted(SETS)
    page = (repo / "docs/public_sets.md").read_text()
    terms = page.partition("## Terms")[2]
    for key, public_set in SETS.items():
        rows = [line for line in page.splitlines() if line.startswith("|") and f"`{key}`" in line]
        assert len(rows) >= 2, key                        # what it has, and how a person is told
        assert re.search(rf"`{public_set.prefix}[\w]+`", page), key
        assert public_set.title.partition(" ")[0] in terms
        assert is_subject_id(f"{public_set.prefix}{'0' * 9}")
    assert len({public_set.prefix for public_set in SETS.values()}) == len(SETS)


def test_sets_whose_folders_have_one_name_are_told_apart_by_what_they_hold(tmp_path):
    make_dataset_2(tmp_path / "ubfc/subject1", frames=20, labels=20)
    make_mmpd(tmp_path / "mmpd")
    assert [find_set(tmp_path / name) for name in ("ubfc", "mmpd")] == ["ubfc2", "mmpd"]
    make_dataset_2(tmp_path / "mmpd/subject2", frames=20, labels=20)
    with pytest.raises(CurationError, match=r"found .*subject1, subject2: both ubfc2 and mmpd"):
        find_set(tmp_path / "mmpd")
    found = import_all(tmp_path / "mmpd", tmp_path / "data", which="mmpd")
    assert found["subject1/p1_0.mat"].value.session == "MMPD-1-0"
    assert found["subject2"].cause.found == "ground_truth.txt, vid.avi"


def test_a_file_of_another_name_in_a_folder_of_files_says_so(tmp_path):
    make_scamps(tmp_path / "set", name="P1")
    with pytest.raises(CurationError, match=r"found no folder, but P1\.mat in"):
        find_set(tmp_path / "set")


def test_the_folder_to_name_is_told_and_no_list_of_sets(tmp_path):
    """What acq writes has two folders, train and test, and PURE's around each for a tool."""
    for side in ("train", "test"):
        make_dataset_2(tmp_path / f"ubfc/{side}/subject1", frames=20, labels=20)
        make_dataset_2(tmp_path / f"tool/{side}/UBFC/subject1", frames=20, labels=20)
    for name, below in (("ubfc", "ubfc/train"), ("tool", "tool/train/UBFC")):
        with pytest.raises(CurationError) as refused:
            find_set(tmp_path / name)
        assert str(refused.value) == (
            f"expected folders of one set, found test, train in {tmp_path / name}; name one of "
            f"those that hold them, such as {tmp_path / below}"
        )
