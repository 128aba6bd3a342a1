"""The date: told of only where it cannot be right."""

import time

from dataset.preflight.date import check_date
from dataset.preflight.result import FAIL, WARN


def test_a_date_that_cannot_be_right_is_told_of():
    assert check_date(time.time()) == []
    (warned,) = check_date(60.0)
    assert (warned.name, warned.status) == ("date", WARN)
    assert "1970-01-01 00:01" in warned.text
    (failed,) = check_date(-60.0)
    assert failed.status == FAIL
