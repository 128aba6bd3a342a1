"""Exclusions that leave nothing out are told of, and those that do are not."""

import shutil

import pytest

from dataset.selection.exclusions import Exclusion, Exclusions
from dataset.selection.exclusions_file import write_exclusions
from dataset.selection.unused_decisions import find_misnamed, find_unused
from tests.support.made_sessions import make_session

S01, S02 = "S01-20260101T090001Z", "S02-20260101T090001Z"


def exclusion(session, from_s=None, to_s=None):
    return Exclusion(session, from_s, to_s, "moved", "2026-01-01T00:00:00Z")


@pytest.mark.parametrize(
    ("made", "told"),
    [
        (exclusion(S01), None),
        (exclusion(S01, 5.0, 30.0), None),
        (exclusion(S02, 500.0), None),                       # how long it is, is not known
        (exclusion(S01.lower()), f"one of {S01.lower()}, of which there is no recording"),
        (exclusion(S01, 20.0, 30.0), f"one of 0:20 to 0:30 of {S01}, which is 0:20 long"),
    ],
    ids=["whole", "part", "unknown length", "other letters", "behind the end"],
)
def test_what_leaves_nothing_out_is_told(tmp_path, made, told):
    errors = find_unused(tmp_path, Exclusions((made,)), {S01: 20.0, S02: None})
    assert [error.found for error in errors] == ([] if told is None else [told])


def test_a_recording_that_was_renamed_is_found_by_the_id_inside(tmp_path):
    path = make_session(tmp_path, "S01", seconds=1.0)
    shutil.move(path, path.with_name("old.h5"))
    write_exclusions(tmp_path, Exclusions((exclusion(path.stem), exclusion("S1-x"))))
    (error,) = find_misnamed(tmp_path)
    assert error.found.startswith("one of S1-x, ")
