"""A withdrawal on a full disk: what is removed and what is not is told, and it can be completed."""

import errno
import os
import re

import pytest

from acq.advice import advise
from acquire.errors import CurationError
from dataset.withdraw import withdraw as module
from dataset.withdraw.withdraw import withdraw
from tests.support.made_withdrawals import GONE, left_of

pytestmark = pytest.mark.xdist_group("one folder to withdraw from")


def full(path):
    return OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(path))


@pytest.mark.parametrize(
    ("writes", "removed", "left"),
    [
        pytest.param("remove_from_manifest", 0, "/ubfc/test/subject", id="manifest"),
        pytest.param("remove_from_exclusions", None, f"sessions/{GONE}", id="exclusions"),
        pytest.param("record_withdrawal", None, "that is not noted yet", id="record"),
    ],
)
def test_it_says_what_is_removed_and_what_is_not(data, monkeypatch, writes, removed, left):
    def refuse(*_):
        raise full(data / "list.json")

    with monkeypatch.context() as patch:
        patch.setattr(module, writes, refuse)
        with pytest.raises(CurationError) as caught:
            withdraw(data, GONE)
    said = advise(caught.value, "withdraw")
    found = re.fullmatch(
        f"expected to remove all of {GONE}, found the withdrawal half done: No space left on "
        rf"device at {data}/list.json; of (\d+) files and folders (\d+) are removed, and "
        rf"(.*); make room, then acq withdraw {GONE} completes it", said,
    )
    assert found, said
    assert left in found[3]
    assert int(found[1]) > int(found[2]) or "noted" in found[3]
    assert removed is None or int(found[2]) == removed
    withdraw(data, GONE)
    assert left_of(data) == []


def test_where_nothing_could_be_noted_nothing_is_removed_and_that_is_said(data, monkeypatch):
    def refuse(*_):
        raise full(data / ".withdrawal.json")

    with monkeypatch.context() as patch:
        patch.setattr(module, "write_plan", refuse)
        with pytest.raises(OSError, match="nothing of") as caught:
            withdraw(data, GONE)
    assert advise(caught.value, "withdraw") == (
        f"expected to write to {data}/.withdrawal.json, found: No space left on device; nothing of "
        f"{GONE} is removed; make room there"
    )
