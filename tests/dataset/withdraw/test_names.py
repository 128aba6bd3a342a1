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


@pytest.mark.parametrize("text", [
    "S031", "S03-b", "XS03", "S03_2", "good-morning", "S04", "morning2", "morning-2", "mornings",
    "S03-b-20260101T090001Z",
])
def test_another_is_named(text):
    assert not NAMES.are_in(text)
    assert NAMES.removed_from(text) == text


@pytest.mark.parametrize(
    ("session", "is_included"),
    [
        ("S03-20260101T090001Z", True), ("S03-20270101T090001Z", True), ("morning", True),
        ("morning#2", True), ("S03-b-20260101T090001Z", False), ("S031-20260101T090001Z", False),
        ("(withdrawn 3)", False), ("S03-20260101T090001Z-2", True),
    ],
)
def test_sessions_of_the_subject(session, is_included):
    assert NAMES.include(session) == is_included


@pytest.mark.parametrize("one", ["UBFC2-1", "PURE-01-01", "COHFACE-1-0", "Lena 1", "Ü1", "a_1"])
@pytest.mark.parametrize("after", ["1", "-1", "_1", "0-2"])
def test_a_session_id_that_begins_anothers_is_not_in_it(one, after):
    names = SubjectNames("Q7", frozenset({one, "Q7-20260101T090001Z"}))
    assert names.removed_from(f"{one}{after}.h5 {one}, {one}.qc.json {one}#2") == (
        f"{one}{after}.h5 (withdrawn), (withdrawn).qc.json (withdrawn)#2"
    )


def test_a_session_id_that_is_the_pseudonym_of_another_is_that_ones():
    names = SubjectNames("P1", frozenset({"P1-2", "P1-3"}), others=frozenset({"P1-2"}))
    assert names.removed_from("P1-2 P1-3 P1") == "P1-2 (withdrawn) (withdrawn)"
    assert names.include("P1-2")
