"""A subject is on one side, whatever the data set looks like."""

import random
import re

import numpy as np
import pytest

from acquire.errors import Fix, SplitError
from dataset.selection.choose import split_by_subject
from dataset.selection.identities import SessionIdentity
from tests.support.made_identities import identities

PEOPLE = [f"S{number:02}" for number in range(12)]


def test_no_random_data_set_ever_shares_a_subject():
    for number in range(10_000):
        check_random_data_set(number)


def check_random_data_set(number):
    draw = random.Random(number)
    how, mix = draw.choice(["holdout", "folds", "test_fraction"]), draw.choice([False, True])
    made_up = draw.choice([[False], [True], [False, True]])
    sessions = [
        SessionIdentity(
            f"s{at}", draw.choice(PEOPLE[: draw.randint(1, 12)]), f"{at}", "", draw.choice(made_up),
            True, draw.choice([None, draw.randint(400, 2400) / 10]),
        )
        for at in range(draw.randint(0, 12))
    ]
    ask = {
        "holdout": {"holdout": draw.sample(PEOPLE, draw.randint(1, 4))},
        "folds": {"folds": draw.randint(1, 6), "seed": draw.randint(0, 9)},
        "test_fraction": {"test_fraction": draw.uniform(0.01, 0.99), "seed": draw.randint(0, 9)},
    }[how]
    known = {s.subject for s in sessions}
    held = set(ask.get("holdout", ()))
    possible = (
        len(known) >= max(2, ask.get("folds", 2)) and ask.get("folds", 2) > 1 and held < known
        and (mix or len({s.simulated for s in sessions}) < 2)
    )
    try:
        made = split_by_subject(sessions, **ask, mix_simulated=mix)
    except SplitError:
        assert not possible
        return
    assert possible
    for fold in made.folds:
        assert fold.train
        assert fold.test
        assert not set(fold.train) & set(fold.test)
        assert sorted(fold.train + fold.test) == sorted(known)          # each once, on one side
    tested = sorted(subject for fold in made.folds for subject in fold.test)
    if "folds" in ask:
        assert len(made.folds) == ask["folds"]
        assert tested == sorted(known)                                  # each once, over the folds
        assert max(len(f.test) for f in made.folds) - min(len(f.test) for f in made.folds) <= 1
    elif held:
        assert tested == sorted(held)
    else:
        assert abs(len(tested) - ask["test_fraction"] * len(known)) <= 1
    assert split_by_subject(sessions[::-1], **ask, mix_simulated=mix).hash == made.hash


def people(rates):
    return [SessionIdentity(f"{s}-1", s, s, "", False, True, rate) for s, rate in rates.items()]


def test_each_test_set_spans_the_heart_rates_and_the_seed_draws_among_like_ones():
    # 50 to 126, in no order of the names
    rates = {f"S{at:02}": 50.0 + (at * 7 % 20) * 4 for at in range(20)}
    layers = np.array_split(sorted(rates.values()), 4)
    drawn = set()
    for seed in range(8):
        made = split_by_subject(people(rates), folds=5, seed=seed)
        for fold in made.folds:
            assert [sum(rates[s] in layer for s in fold.test) for layer in layers] == [1, 1, 1, 1]
            assert fold.test_hr_bpm == (
                min(rates[s] for s in fold.test), max(rates[s] for s in fold.test),
            )
        (fold,) = split_by_subject(people(rates), test_fraction=0.2, seed=seed).folds
        assert [sum(rates[s] in layer for s in fold.test) for layer in layers] == [1, 1, 1, 1]
        drawn |= {made.hash, fold.test}
    assert len(drawn) > 12  # another seed, another draw


def test_a_subject_without_a_heart_rate_is_drawn_too():
    made = split_by_subject(people({"S01": None, "S02": 60.0, "S03": None}), folds=3)
    assert sorted(fold.test for fold in made.folds) == [("S01",), ("S02",), ("S03",)]
    assert {fold.test: fold.test_hr_bpm for fold in made.folds} == {
        ("S01",): None, ("S02",): (60.0, 60.0), ("S03",): None,
    }


@pytest.mark.parametrize(
    ("kwargs", "says"),
    [
        pytest.param(
            {"holdout": ["S09"]}, "recorded subjects (S01, S02, S03) to hold out, found S09",
            id="unknown",
        ),
        pytest.param(
            {"holdout": ["S01", "S02", "S03"]}, "found none to train", id="nobody to train on"
        ),
        pytest.param(
            {"folds": 4},
            "a subject for each of them, found 4 and the subjects S01, S02, S03",
            id="too many folds",
        ),
        pytest.param({"folds": 1}, "expected at least 2 folds", id="one fold"),
    ],
)
def test_impossible_splits(kwargs, says):
    with pytest.raises(SplitError, match=re.escape(says)):
        split_by_subject(identities("S01", "S02", "S03", "S01"), **kwargs)


def test_a_share_of_two_subjects_is_one_and_of_one_is_refused():
    (fold,) = split_by_subject(identities("S01", "S02"), test_fraction=0.1).folds
    assert (len(fold.train), len(fold.test)) == (1, 1)
    with pytest.raises(SplitError, match="record more subjects"):
        split_by_subject(identities("S01", "S01"), test_fraction=0.5)


@pytest.mark.parametrize(
    "kwargs",
    [
        {}, {"holdout": ["S01"], "folds": 2}, {"folds": 2, "test_fraction": 0.5},
        {"test_fraction": 1.0},
    ],
)
def test_one_way_to_split(kwargs):
    with pytest.raises(ValueError, match=r"not both|between 0 and 1"):
        split_by_subject(identities("S01", "S02"), **kwargs)


def test_real_and_simulated_are_not_mixed_unless_allowed():
    both = identities("S01", "S02") + identities("V01", simulated=True)
    text = "found simulated ones of V01 among S01, S02, V01"
    with pytest.raises(SplitError, match=text) as caught:
        split_by_subject(both, holdout=["S01"])
    assert caught.value.fix is Fix.ALLOW_MIXED
    assert split_by_subject(both, holdout=["S01"], mix_simulated=True).mix_simulated
