"""Who may be whom, among those that a network has learnt from and those that it is tested on."""

from pathlib import Path

import pytest

from acquire.errors import TrainingError
from dataset.people import Drawn, LearntFrom, Person, read_learnt_from

PATH = Path("teacher.safetensors")


@pytest.mark.parametrize(
    ("one", "other", "may_be"),
    [
        pytest.param(Person("S04", "real"), Person("S04", "real"), True, id="a real person"),
        pytest.param(Person("S04", "real"), Person("s4", "real"), True, id="read as one name"),
        pytest.param(Person("S04", "real"), Person("S05", "real"), False, id="another name"),
        pytest.param(Person("S04", "real"), Person("S04", "virtual", 0), False, id="not virtual"),
        pytest.param(Person("S04", "virtual", 0), Person("S04", "virtual", 0), True, id="a seed"),
        pytest.param(Person("S04", "virtual", 0), Person("S04", "virtual", 1), False,
                     id="another seed"),
        pytest.param(Person("S04", "virtual"), Person("S04", "virtual", 1), True,
                     id="a seed that is not known"),
        pytest.param(Person("S04"), Person("S04", "virtual", 1), True, id="an earlier version"),
        pytest.param(Person("S04"), Person("S05", "real"), False, id="it, of another name"),
    ],
)
def test_who_may_be_whom(one, other, may_be):
    assert one.may_be(other) is other.may_be(one) is may_be
    assert LearntFrom((one,)).who_of([other]) == ([other.subject] if may_be else [])


def test_people_of_two_trainings_are_added_and_told():
    drawn = Drawn(0), Drawn(7, batches=2400, clips=16)
    first = LearntFrom((Person("S02", "real"), Person("S01", "virtual", 3)), drawn[:1], ("a", "b"))
    both = first + LearntFrom((Person("S01", "real"), Person("S02", "real")), drawn, ("b", "c"))
    assert both.subjects == ("S01", "S02")
    assert (both.drawn, both.data_hashes) == (drawn, ("a", "b", "c"))
    assert str(both) == (
        "2 real people and 1 virtual person and virtual people drawn anew for each batch "
        "(seed 0, 7)"
    )
    assert str(LearntFrom()) == "nobody"
    assert LearntFrom(drawn=drawn).who_of([Person("S01", "virtual", 0)]) == []
    assert read_learnt_from({"people": both.as_dict()}, PATH, data_hash="d") == both


def test_what_an_earlier_version_or_nobody_says():
    about = {"subjects": {"train": ["S02", "S01"], "test": ["S03"]}}
    assert read_learnt_from(about, PATH, data_hash="d") == LearntFrom(
        (Person("S01"), Person("S02")), data_hashes=("d",)
    )
    for nothing in ({}, {"subjects": {}}, {"subjects": {"train": []}}):
        assert read_learnt_from(nothing, PATH, data_hash="d") is None
    one = {"people": {"drawn": {"seed": 0, "batches": 2400, "clips": 16}}, **about}
    assert read_learnt_from(one, PATH, data_hash="d") == LearntFrom(drawn=(Drawn(0, 2400, 16),))
    with pytest.raises(TrainingError, match=r"text instead of a whole number at \$\.drawn\[0\]"):
        read_learnt_from({"people": {"drawn": {"seed": "0"}}}, PATH, data_hash="d")
