"""Each change of what is excluded reads the list anew, and tells what it replaced or revoked."""

import pytest

from acquire.errors import CurationError, Fix
from dataset.selection.decide import exclude, include, made_before
from dataset.selection.exclusions import Exclusion
from dataset.selection.exclusions_file import read_exclusions

ONE = Exclusion("S01-a", 1.0, 2.0, "talks", "2026-01-01T00:00:00+00:00")
SAME_PART = Exclusion("S01-a", 1.0, 2.0, "moves", "2026-01-02T00:00:00+00:00")
WHOLE = Exclusion("S02-a", None, None, "no consent", "2026-01-01T00:00:00+00:00")


def test_what_was_replaced_comes_back_by_excluding_it_again(tmp_path):
    assert exclude(tmp_path, [ONE, WHOLE]).replaced == ()
    assert exclude(tmp_path, [SAME_PART]).replaced == (ONE,)
    assert exclude(tmp_path, [ONE]).replaced == (SAME_PART,)
    assert read_exclusions(tmp_path).listed == (ONE, WHOLE)


def test_a_part_or_all_of_a_session_is_included_again(tmp_path):
    exclude(tmp_path, [ONE, WHOLE])
    with pytest.raises(CurationError, match="0:01 to 0:02"):
        include(tmp_path, ["S01-a"], (1.0, 3.0))
    assert include(tmp_path, ["S01-a"], (1.0, 2.0)).changed == (ONE,)
    assert include(tmp_path, ["S02-a"]).changed == (WHOLE,)
    assert read_exclusions(tmp_path).listed == ()


def test_only_what_is_there_and_depends_on_it_is_out_of_date(tmp_path):
    assert made_before(tmp_path, [WHOLE]) == []
    (tmp_path / "split.json").touch()
    (tmp_path / "ubfc").mkdir()
    (tmp_path / "ubfc/manifest.json").touch()
    ubfc = tmp_path / "ubfc", Fix.CONVERT_AGAIN, ""
    split = tmp_path / "split.json", Fix.SPLIT_AGAIN, ""
    assert made_before(tmp_path, [WHOLE]) == [split, ubfc]
    assert made_before(tmp_path, [ONE]) == [ubfc]          # a part changes no split
