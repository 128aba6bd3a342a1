"""Datasets that are refused before any work."""

from dataclasses import replace

import pytest

torch = pytest.importorskip("torch")

from acquire.errors import CurationError, Fix, SplitError, TrainingError
from dataset.layouts.manifest import ExcludedPart
from dataset.selection.exclusions import Exclusion, Exclusions
from dataset.selection.exclusions_file import write_exclusions
from models.data.checks import check_exclusions, check_manifest_split
from tests.support.curated_folders import make_entry


@pytest.mark.parametrize(
    ("excluded", "decision", "refusal"),
    [
        pytest.param(
            [], ("S02-2", None, None),
            ("no excluded session, found S02-2 in", Fix.SPLIT_AND_CONVERT_AGAIN), id="whole",
        ),
        pytest.param(
            [], ("S02-2", 1.0, 2.5), ("found S02-2 converted before", Fix.CONVERT_AGAIN),
            id="part",
        ),
        pytest.param(
            [(1.0, 2.5)], ("S02-2", 1.0, 3.0),
            ("found S02-2 converted before", Fix.CONVERT_AGAIN), id="another part",
        ),
        pytest.param([(1.0, 2.5)], ("S02-2", 1.0, 2.5), None, id="done already"),
        pytest.param([(1.0, 2.5)], None, None, id="taken back"),
        pytest.param([], ("S09-1", None, None), None, id="of another session"),
    ],
)
def test_what_was_excluded_later_is_refused(tmp_path, excluded, decision, refusal):
    parts = tuple(ExcludedPart(a, b, "moved") for a, b in excluded)
    held_out = make_entry(2, "test", "S02")
    held_out = replace(held_out, rows=replace(held_out.rows, excluded=parts))
    entries = [make_entry(1, "train", "S01"), held_out]
    if decision:
        session, from_s, to_s = decision
        write_exclusions(
            tmp_path,
            Exclusions((Exclusion(session, from_s, to_s, "moved", "2026-01-01T00:00:00+00:00"),)),
        )
    if refusal is None:
        check_exclusions(entries, tmp_path)
        return
    words, fix = refusal
    with pytest.raises(CurationError, match=words) as caught:
        check_exclusions(entries, tmp_path)
    assert caught.value.fix is fix


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
