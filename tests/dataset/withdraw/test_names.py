"""A pseudonym is found as a word, and not as the beginning of another."""

import pytest

from dataset.withdraw.names import SubjectNames

NAMES = SubjectNames("S03", frozenset({"S03-20260101T090001Z", "morning"}))


@pytest.mark.parametrize(
    "text", ["S03", "(S03)", "S03, S04", "S03-20260101T090001Z.h5", "qc/morning.html"]
)
def test_the_subject_is_named(text):
    assert NAMES.are_in(text)
    assert "(withdrawn)" in NAMES.removed_from(text)
    assert not NAMES.are_in(NAMES.removed_from(text))


@pytest.mark.parametrize("text", ["S031", "S03-b", "XS03", "S03_2", "good-morning", "S04"])
def test_another_is_named(text):
    assert not NAMES.are_in(text)
    assert NAMES.removed_from(text) == text


@pytest.mark.parametrize(
    ("session", "is_included"),
    [
        ("S03-20260101T090001Z", True), ("S03-20270101T090001Z", True), ("morning", True),
        ("morning#2", True), ("S03-b-20260101T090001Z", False), ("S031-20260101T090001Z", False),
        ("(withdrawn 3)", False),
    ],
)
def test_sessions_of_the_subject(session, is_included):
    assert NAMES.include(session) == is_included
