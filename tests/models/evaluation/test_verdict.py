"""The verdict on networks: better and worse only where the interval says so."""

from dataclasses import replace

import numpy as np
import pytest

from models.data.videos import TrainingData
from models.evaluation import methods
from models.evaluation.compare import _judge
from models.evaluation.mean_rate import guess_mean_rate
from models.evaluation.verdict import (
    BETTER,
    NOT_TOLD,
    WORSE,
    compare_errors,
    judge,
    judge_over_seeds,
)
from tests.support.curated_videos import tone, video_of_ppg
from tests.support.made_reports import OFF, RATES, guessed, results, video

TITLES = {"student": "student", "student_kd": "student + KD", "pos": "POS", "green": "GREEN"}
PEOPLE = [f"S{n:02d}" for n in range(1, 9)]


def read(errors_bpm):
    """Return a result for each person, off by its own error in every window."""
    results = []
    for person, error in zip(PEOPLE, errors_bpm, strict=False):
        one = video("S01", "pos")
        results.append(
            replace(one, subject=person, predicted_bpm=one.reference_bpm + error)
        )
    return results


NOISE = np.array([0.1, -0.2, 0.3, -0.1, 0.2, -0.3, 0.15, -0.15])


@pytest.mark.parametrize(
    ("errors", "others", "lower_by", "outcome"),
    [
        (1 + NOISE, 3 + NOISE, 2.0, BETTER),
        (9 + NOISE, 3 + NOISE, -6.0, WORSE),
        (3 + NOISE, 3 - NOISE, 0.0, NOT_TOLD),
        # one person decides: better on average, and not to be told of others
        ([1, 1, 1, 1, 1, 1, 1, 1], [0, 0, 0, 0, 0, 0, 0, 60], 6.5, NOT_TOLD),
        ([1], [3], 2.0, NOT_TOLD),                       # one person shows nothing about others
        # five that agree do so by chance in 6 % of all cases, six in 3 %
        ([1] * 5, [3] * 5, 2.0, NOT_TOLD),
        ([1] * 6, [3] * 6, 2.0, BETTER),
        # certain, and finer than the grid of rates
        (3.04 + NOISE, 3 + NOISE, -0.04, NOT_TOLD),
    ],
)
def test_two_methods_on_the_same_windows(errors, others, lower_by, outcome):
    found = compare_errors(read(errors), read(others))
    assert found.lower_by_bpm == pytest.approx(lower_by, abs=1e-9)
    assert found.outcome == outcome
    assert (found.interval_bpm is None) == (len(errors) < 6)


def verdict(student, student_kd, pos, green=(30,) * 8):
    networks = {"student": read(student), "student_kd": read(student_kd)}
    formulas = {"pos": read(pos), "green": read(green)}
    return judge(networks, formulas, [guessed(one) for one in networks["student"]], TITLES)


def test_a_run_that_is_worse_than_the_best_formula_is_told_so_first():
    found = verdict(25 + NOISE, 20 + NOISE, 3 + NOISE)
    assert found["formula"] == "pos"
    assert found["words"][0].startswith(
        "No network is shown to be better than POS, the best method without training (MAE 3.00 bpm)"
        ". Worse than POS: student (by 22.00 bpm ["
    )
    assert {one["outcome"] for one in found["against_formula"].values()} == {WORSE}
    # 12 bpm from 66 to the mean of 78
    assert found["mean_rate_mae_bpm"] == pytest.approx(12.0)
    assert "guessing the training set’s mean rate (MAE 12.00 bpm)" in found["words"][1]
    assert found["words"][2].startswith("The teacher’s help makes the student better, by 5.00 bpm")


def test_praise_only_outside_the_interval():
    found = verdict(1 + NOISE, 1 - NOISE, 3 + NOISE)
    assert found["words"][0].startswith("Better than POS, the best method without training")
    assert found["words"][2].startswith("Whether the teacher’s help makes the student better ca")
    assert found["words"][3] == "In brackets 95 % by bootstrap over 8 subjects."


def test_a_few_subjects_are_never_praise():
    found = verdict([1], [9], [3], green=(30,))
    assert found["words"][0] == (
        "Worse than POS, the best method without training (MAE 3.00 bpm), on the one subject "
        "tested: student + KD (by 6.00 bpm). Ahead of POS: student (by 2.00 bpm)."
    )
    assert "better, by" not in " ".join(found["words"])
    assert found["words"][-1].startswith("1 subject tested: too few to show anything")

    found = verdict([1, 1], [9, 9], [3, 3], green=(30, 30))
    assert found["words"][0] == (
        "Worse than POS, the best method without training (MAE 3.00 bpm), on the 2 subjects "
        "tested: student + KD (by 6.00 bpm). Ahead of POS: student (by 2.00 bpm)."
    )
    assert found["words"][-1].startswith("2 subjects tested: too few to show anything")


def test_a_few_subjects_are_level_by_one_measure_in_every_sentence():
    """0.39 was worse than 0.31, and level with 0.46."""
    found = verdict([0.39], [0.51], [0.46], green=(0.31,))
    assert found["words"][0] == (
        "Worse than GREEN, the best method without training (MAE 0.31 bpm), on the one subject "
        "tested: student + KD (by 0.20 bpm). Level with GREEN, within 0.1 bpm: student (MAE higher "
        "by 0.08 bpm)."
    )
    alone = verdict([0.29], [0.26], [0.46], green=(0.31,))["words"][0]
    assert alone == (
        "Level with GREEN, the best method without training (MAE 0.31 bpm), on the one subject "
        "tested, within 0.1 bpm: student (MAE lower by 0.02 bpm), student + KD (MAE lower by 0.05 "
        "bpm)."
    )


ALL = {"teacher": "teacher", **TITLES}


def judged(teacher, student, student_kd, *, pos=(1,), green=(30,)):
    networks = {
        "teacher": read(teacher), "student": read(student), "student_kd": read(student_kd),
    }
    formulas = {"pos": read(pos), "green": read(green)}
    return judge(networks, formulas, [guessed(one) for one in networks["student"]], ALL)


def test_on_a_few_subjects_the_order_is_told_in_words_and_never_a_part_of_the_gap():
    found = judged([5.0], [6.7], [0.9], pos=(1.2,))         # 341 % of it
    assert found["gap_closed"] is None
    assert found["words"][2:] == [
        "MAE in this table [bpm]: student + KD 0.90, teacher 5.00, student 6.70; not the order "
        "that a teacher’s help should give (teacher, student + KD, student).",
        "Beside GREEN (30.00 bpm) ahead: all three. Beside POS (1.20 bpm) ahead: student + KD; "
        "behind: teacher, student.",
        "That is one seed, tested on 1 subject: another seed, or others tested, may turn the order "
        "round.",
        "1 subject tested: too few to show anything about others; at least 6 are needed.",
    ]
    good = judged([0.95], [3.0], [1.5], pos=(1,))["words"]
    assert good[2].endswith("; the order that a teacher’s help should give.")
    assert "guess" not in good[3]
    idle = judged([0.25], [42.36], [40.35], pos=(1,))["words"]
    assert idle[3] == (
        "No better than a guess of the mean rate (12.00 bpm): student, student + KD."
    )
    level = judged([1.02], [1.0], [1.09])["words"]
    assert level[2].endswith("; all three are level, within 0.1 bpm.")
    assert good[3].endswith(
        "Beside POS (1.00 bpm) level, within 0.1 bpm: teacher; behind: student, student + KD."
    )


def test_errors_of_several_seeds_are_said_to_be_their_mean():
    networks = {name: read([1, 9]) for name in ("teacher", "student", "student_kd")}
    guess = [guessed(one) for one in read([1, 1])]
    words = judge(networks, {"pos": read([3, 3])}, guess, ALL, seeds=2)["words"]
    assert words[2].startswith("MAE, mean of 2 seeds [bpm]: teacher 5.00, ")
    assert "in this table" not in " ".join(words)


@pytest.mark.parametrize(
    ("teacher", "student", "student_kd", "told"),
    [
        pytest.param([1] * 6, [5] * 6, [2] * 6, (75, 75, 75), id="six that agree"),
        pytest.param([1] * 5, [5] * 5, [2] * 5, None, id="five"),
        pytest.param(3 + NOISE, 3 - NOISE, 1 + NOISE, None, id="a lead that may be chance"),
        pytest.param([5] * 6, [1] * 6, [2] * 6, None, id="a teacher behind"),
        pytest.param([1, 1, 1, 1, 2, 2], [5] * 6, [3, 2, 2, 3, 3, 2], (68, 57, 82), id="spread"),
    ],
)
def test_a_part_of_the_gap_is_told_where_the_teacher_is_ahead_by_its_interval(
    teacher, student, student_kd, told
):
    count = len(teacher)
    found = judged(teacher, student, student_kd, pos=(1,) * count, green=(9,) * count)["gap_closed"]
    if told is None:
        assert found is None
    else:
        assert [found["percent"], *found["interval_percent"]] == pytest.approx(told, abs=2.5)


def test_the_guess_is_the_mean_rate_of_the_training_windows_of_its_fold():
    def person(name, bpm, seconds=20):
        time_s = np.arange(25 * seconds) / 25
        return replace(video_of_ppg(tone(bpm, time_s), time_s), subject=name)

    slow, fast, long = person("S01", 60), person("S02", 90), person("S03", 120, seconds=30)
    folds = [
        TrainingData(train=[slow, fast], test=[long], split_hash="", data_hash=""),
        TrainingData(train=[slow, long], test=[fast], split_hash="", data_hash=""),
    ]
    brief = replace(person("S04", 200, seconds=7), folder="train/subject4")   # no window of 10 s
    folds[0].train.append(brief)
    first, second = guess_mean_rate(folds)
    assert first[0].predicted_bpm == pytest.approx(75, abs=0.05)
    # 11 windows of 60 bpm, 21 of 120
    assert second[0].predicted_bpm == pytest.approx((11 * 60 + 21 * 120) / 32, abs=0.05)
    assert len(first[0].predicted_bpm) == len(first[0].reference_bpm) == 21
    assert np.isnan(first[0].snr_db).all()


@pytest.mark.parametrize("seeds", [1, 2])
def test_the_networks_of_one_run_are_judged_as_the_run_itself(seeds):
    """Under the names of a table, in another order: the run's verdict, to the last digit."""
    found = results(*RATES)
    formulas = {name: found[name] for name in methods.COLOUR_TITLES if name in found}
    networks = {name: found[name] for name in OFF if name not in formulas}
    guess = [guessed(one) for one in found["teacher"]]
    of_seeds = [networks, networks | {"student": found["green"]}][:seeds]
    told = judge_over_seeds(of_seeds, formulas, guess, methods.TITLES)
    assert told["gap_closed"]["percent"] > 70
    named = {
        f"run/{f'seed{seed}/' if seeds > 1 else ''}{name}": of_seed[name]
        for seed, of_seed in enumerate(of_seeds) for name in sorted(of_seed)
    }
    assert _judge(named, formulas, guess) == told
    assert (told["words"][-1] == "Errors and gap are means over 2 seeds.") == (seeds == 2)
    few = [{name: videos[:2] for name, videos in of.items()} for of in [*of_seeds, formulas]]
    words = judge_over_seeds(few[:-1], few[-1], guess[:2], methods.TITLES)["words"]
    assert (words[-1] == "Errors are means over 2 seeds.") == (seeds == 2)      # no gap is told
    of_two = _judge({**named, "other/student": found["student"]}, formulas, guess)
    assert list(of_two["against_formula"]) == [*named, "other/student"]
    assert (of_two["gap_closed"], of_two["student_kd_against_student"]) == (None, None)
