"""Datasets that are refused before any work."""

from dataclasses import replace

import pytest

torch = pytest.importorskip("torch")

from acquire.errors import SplitError, TrainingError
from models.data.checks import check_manifest_split, check_no_copies
from tests.support.curated_folders import make_entry


@pytest.mark.parametrize(
    ("entries", "error", "words"),
    [
        pytest.param(
            [
                make_entry(1, "train", "S01"), make_entry(2, "test", "S01"),
                make_entry(3, "train", "S02"),
            ],
            SplitError, "S01 in train and in test", id="subject on both sides",
        ),
        pytest.param(
            [make_entry(1, "train", "S01")], TrainingError, "two subjects", id="one subject"
        ),
        pytest.param(
            [make_entry(1, "train", "S01"), make_entry(2, "train", "S02")], SplitError,
            "a subject in test, found none", id="empty side",
        ),
        pytest.param(
            [make_entry(1, "train", "S01"), make_entry(2, "test", "S02", simulated=False)],
            TrainingError, "virtual ones of S01", id="virtual and real",
        ),
        pytest.param(
            [
                make_entry(1, "train", "S01"), make_entry(2, "train", "S01", simulated=False),
                make_entry(3, "test", "S02"), make_entry(4, "test", "S02", simulated=False),
            ],
            TrainingError, "virtual ones of S01, S02", id="every subject virtual and real",
        ),
        pytest.param([], TrainingError, "none", id="nothing"),
    ],
)
def test_splits_that_are_refused(entries, error, words):
    with pytest.raises(error, match=words) as caught:
        check_manifest_split(entries)
    assert "\n" not in str(caught.value)


def test_virtual_and_real_together_when_told():
    check_manifest_split(
        [make_entry(1, "train", "S01"), make_entry(2, "test", "S02", simulated=False)],
        allow_mixed=True,
    )


def test_a_person_under_two_names_is_refused():
    first, second = make_entry(1, "train", "S01"), make_entry(2, "test", "S02")
    check_no_copies([first, second])
    check_no_copies([first, replace(first, folder="train/subject3")])       # parts of one person
    for changes in ({"video": first.video}, {"labels": first.labels}):
        with pytest.raises(SplitError, match="train/subject1 of S01 and test/subject2 of S02 with"):
            check_no_copies([first, replace(second, **changes)])
