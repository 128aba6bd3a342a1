"""A person under two names is said, not trained on and tested on."""

import pytest

from acquire.errors import SplitError
from tests.support.field import find_case, run_case

pytestmark = pytest.mark.shared


def test_a_subject_with_a_leading_zero_is_named_by_import_and_reaches_no_split(tmp_path):
    done = run_case("ubfc2-leading_zero")
    assert "UBFC2-1 beside UBFC2-01, of the same files" in done.stderr
    assert "imported 1 recording, 1 left out" in done.stdout
    assert "split rc 1" in done.stdout
    assert "convert rc 1" in done.stdout
    pytest.importorskip("torch")
    from models.data.published_ubfc import load_dataset_2

    with pytest.raises(SplitError, match="subject01 and subject1"):
        load_dataset_2(find_case("ubfc2-leading_zero") / "set", cache=tmp_path)
