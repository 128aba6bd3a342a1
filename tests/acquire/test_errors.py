"""Errors carry facts: their words, what mends them, and the way from a worker process."""

import pickle
from pathlib import Path

import pytest

from acquire.errors import AcqError, CurationError, Fix, SessionError, apart, suggest


def test_facts_make_the_sentence_and_stay_beside_it():
    error = CurationError(
        expected="a video", found="nothing", where=Path("/data/x.avi"), fix=Fix.CONVERT_AGAIN
    )
    assert error.facts == "expected a video, found nothing in /data/x.avi"
    assert str(error) == f"{error.facts}; convert the sessions again"
    assert (error.expected, error.found, error.fix) == ("a video", "nothing", Fix.CONVERT_AGAIN)


def test_what_an_operating_system_says_is_one_line():
    assert AcqError(expected="a file", found=OSError(5, "I/O error")).found == "I/O error"
    assert AcqError(expected="a file", found=ValueError("a\n  b")).found == "a b"


def test_an_error_comes_back_from_a_worker_with_its_facts():
    error = SessionError("cut short", where="in session S01", fix=Fix.EXCLUDE, of="S01-1")
    back = pickle.loads(pickle.dumps(error))
    assert type(back) is SessionError
    assert (str(back), back.fix, back.of) == (str(error), Fix.EXCLUDE, "S01-1")


def test_a_caller_suggests_what_mends_an_error_without_a_remedy():
    with pytest.raises(CurationError) as caught, suggest(Fix.EXCLUDE, of="S01-1"):
        raise CurationError(expected="a video", found="nothing")
    assert (caught.value.fix, caught.value.of) == (Fix.EXCLUDE, "S01-1")
    assert str(caught.value).endswith("(S01-1)")


def test_a_remedy_that_is_known_is_not_replaced():
    with pytest.raises(CurationError) as caught, suggest(Fix.EXCLUDE, of="S01-1"):
        raise CurationError(expected="a face", found="none", fix="look at the video")
    assert (caught.value.fix, caught.value.of) == ("look at the video", "")


@pytest.mark.parametrize(
    ("found", "limit", "text"),
    [(9.97, 10, "9.97"), (9.4, 10, "9.4"), (9.9999, 10.0, "9.9999"), (10.04, 10, "10.04")],
)
def test_a_number_is_never_rounded_into_the_limit_that_it_missed(found, limit, text):
    assert apart(found, limit) == text
