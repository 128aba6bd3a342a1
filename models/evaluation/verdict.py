"""What the errors of a run allow to be said, in words: which networks are worth their training.

Each network is held against the best method without training and against the guess of the training
set's mean rate, on the same windows. The difference of two errors has an interval of its own, by
drawing whole subjects; one is better only where that interval lies on its side of zero. Over a few
subjects such an interval is far too narrow, and none is computed.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from dataset.common.wording import counted, number
from models.metrics.by_subject import DRAWS

from .gap import FEWEST_SUBJECTS, NETWORKS, errors_by_subject, gap_over_subjects
from .metrics import heart_rate_errors
from .order import AHEAD, BEHIND, LEVEL, WITHIN, order_in_words, side_of
from .published import LEAST_GAP_BPM
from .video_result import VideoResult

BETTER, WORSE, NOT_TOLD = "better", "worse", "not told apart"
Results = Mapping[str, Sequence[VideoResult]]


@dataclass(frozen=True)
class Difference:
    """By how much the MAE of one method is below that of another, on the same windows."""

    lower_by_bpm: float                        # negative: it is above
    interval_bpm: tuple[float, float] | None   # 95 %; None below FEWEST_SUBJECTS

    @property
    def outcome(self) -> str:
        """`BETTER` or `WORSE` where the interval lies on one side of zero, else `NOT_TOLD`.

        What is below `LEAST_GAP_BPM` is no difference, however certain: rates are not that fine.
        """
        if self.interval_bpm is None or abs(self.lower_by_bpm) < LEAST_GAP_BPM:
            return NOT_TOLD
        low, high = self.interval_bpm
        return BETTER if low > 0 else WORSE if high < 0 else NOT_TOLD

    @property
    def side(self) -> str:
        """Whether the MAE is lower or higher, in a word."""
        return "lower" if self.lower_by_bpm >= 0 else "higher"

    @property
    def words(self) -> str:
        """The amount, with its interval in brackets, whose ends may lie on two sides of zero."""
        if self.interval_bpm is None:
            return f"{number(abs(self.lower_by_bpm))} bpm"
        if self.outcome == NOT_TOLD:
            low, high = self.interval_bpm
            low, high = (low, high) if self.side == "lower" else (-high, -low)
            return f"{number(abs(self.lower_by_bpm))} bpm [{number(low)}, {number(high)}]"
        low, high = map(number, sorted(map(abs, self.interval_bpm)))
        return f"{number(abs(self.lower_by_bpm))} bpm [{low}, {high}]"


def compare_errors(
    one: Sequence[VideoResult], other: Sequence[VideoResult], *, seed: int = 0
) -> Difference:
    """Compute by how much the MAE of `one` is below that of `other` on the same videos."""
    (errors, counts), (others, _) = errors_by_subject(one), errors_by_subject(other)
    sums = others - errors
    mean = float(sums.sum() / counts.sum())
    if len(counts) < FEWEST_SUBJECTS:
        return Difference(mean, None)
    drawn = np.random.default_rng(seed).integers(len(counts), size=(DRAWS, len(counts)))
    means = sums[drawn].sum(axis=1) / counts[drawn].sum(axis=1)
    low, high = (float(np.percentile(means, percent)) for percent in (2.5, 97.5))
    return Difference(mean, (low, high))


def judge(
    networks: Results, formulas: Results, guess: Sequence[VideoResult], titles: Mapping[str, str],
    *, seeds: int = 1, seed: int = 0,
) -> dict[str, Any]:
    """Hold networks against the best method without training, and against the mean rate.

    Parameters
    ----------
    networks, formulas : results on the same test videos, in the same order
    guess : of `guess_mean_rate`, on the same videos
    titles : of networks and formulas, for people
    seeds : how many times each video is there, once for each seed that networks were trained with

    Returns
    -------
    `formula`, its MAE and that of the guess [bpm], a difference of each network to either,
    `gap_closed` where it can be told, and `words`: sentences, the verdict first
    """
    errors = {name: _mae_bpm(videos) for name, videos in formulas.items()}
    best = min(errors, key=errors.__getitem__)
    against_formula, against_guess = (
        {name: compare_errors(videos, other, seed=seed) for name, videos in networks.items()}
        for other in (formulas[best], guess)
    )
    helped = None
    if {"student", "student_kd"} <= set(networks):
        helped = compare_errors(networks["student_kd"], networks["student"], seed=seed)
    subjects = len({video.subject for video in guess})
    guess_bpm = _mae_bpm(guess)
    formula = f"{titles.get(best, best)}, the best method without training (MAE "
    formula += f"{number(errors[best])} bpm)"
    words = [
        _against(formula, titles.get(best, best), against_formula, titles, subjects),
        _against(
            f"guessing the training set’s mean rate (MAE {number(guess_bpm)} bpm)", "that guess",
            against_guess, titles, subjects,
        ),
    ]
    if subjects < FEWEST_SUBJECTS and set(NETWORKS) <= set(networks):
        errors |= {name: _mae_bpm(networks[name]) for name in NETWORKS}
        words += order_in_words(
            errors, titles, guess_bpm=guess_bpm, subjects=subjects, seeds=seeds
        )
    elif helped is not None:
        words.append(_help(helped))
    gap = gap_over_subjects(networks, seed=seed)
    words.append(_how_many(subjects))
    if seeds > 1:
        what = "Errors are" if gap is None else "Errors and gap are"
        words.append(f"{what} means over {seeds} seeds.")
    return {
        "formula": best, "formula_mae_bpm": errors[best], "mean_rate_mae_bpm": guess_bpm,
        "against_formula": _as_numbers(against_formula),
        "against_mean_rate": _as_numbers(against_guess),
        "student_kd_against_student": None if helped is None else _as_numbers({"": helped})[""],
        "gap_closed": None if gap is None else asdict(gap),
        "words": words,
    }


def judge_over_seeds(
    of_seeds: Sequence[Results], formulas: Results, guess: Sequence[VideoResult],
    titles: Mapping[str, str],
) -> dict[str, Any]:
    """Judge the mean over seeds: each network's videos of every seed beside the same ones.

    Parameters
    ----------
    of_seeds : the results of the same networks for each seed, else as `judge`
    """
    seeds = len(of_seeds)
    networks = {
        name: [video for of_seed in of_seeds for video in of_seed[name]] for name in of_seeds[0]
    }
    repeated = {name: [*videos] * seeds for name, videos in formulas.items()}
    return judge(networks, repeated, [*guess] * seeds, titles, seeds=seeds)


def _how_many(subjects: int) -> str:
    if subjects < FEWEST_SUBJECTS:
        return (
            f"{counted(subjects, 'subject')} tested: too few to show anything about others; at "
            f"least {FEWEST_SUBJECTS} are needed."
        )
    return f"In brackets 95 % by bootstrap over {counted(subjects, 'subject')}."


def _mae_bpm(videos: Sequence[VideoResult]) -> float:
    return heart_rate_errors(
        np.concatenate([video.counted_bpm for video in videos]),
        np.concatenate([video.reference_bpm for video in videos]),
    ).mae_bpm


def _against(
    whom: str, short: str, found: Mapping[str, Difference], titles: Mapping[str, str],
    subjects: int,
) -> str:
    """Return a sentence or more: who is better than `whom`, who is worse, and of whom that is open.

    Where nobody is better, that comes first.
    """
    if subjects < FEWEST_SUBJECTS:
        return _against_on_few_subjects(whom, short, found, titles, subjects)
    by_outcome = {
        outcome: [
            f"{titles.get(name, name)} ({_side(difference)}by {difference.words})"
            for name, difference in found.items() if difference.outcome == outcome
        ]
        for outcome in (BETTER, WORSE, NOT_TOLD)
    }
    sentences = []
    if by_outcome[BETTER]:
        sentences.append(f"Better than {whom}: {', '.join(by_outcome[BETTER])}.")
    else:
        nobody = "The network is not" if len(found) == 1 else "No network is"
        sentences.append(f"{nobody} shown to be better than {whom}.")
    if by_outcome[WORSE]:
        sentences.append(f"Worse than {short}: {', '.join(by_outcome[WORSE])}.")
    if by_outcome[NOT_TOLD]:
        undecided = ", ".join(by_outcome[NOT_TOLD])
        sentences.append(f"Not to be told from {short}: {undecided}.")
    return " ".join(sentences)


def _side(difference: Difference) -> str:
    return f"MAE {difference.side} " if difference.outcome == NOT_TOLD else ""


def _against_on_few_subjects(
    whom: str, short: str, found: Mapping[str, Difference], titles: Mapping[str, str],
    subjects: int,
) -> str:
    """Return the same where nothing can be said of others than the subjects tested."""
    tested = "the one subject" if subjects == 1 else f"the {subjects} subjects"
    sentences = []
    for side, beginning in (
        (BEHIND, "Worse than"), (LEVEL, "Level with"), (AHEAD, "Ahead of"),
    ):
        names = [
            f"{titles.get(name, name)} ({f'MAE {difference.side} ' if side == LEVEL else ''}by "
            f"{difference.words})"
            for name, difference in found.items() if side_of(difference.lower_by_bpm) == side
        ]
        if names:
            other = short if sentences else f"{whom}, on {tested} tested"
            within = WITHIN if side == LEVEL else ""
            sentences.append(f"{beginning} {other}{within}: {', '.join(names)}.")
    return " ".join(sentences)


def _help(helped: Difference) -> str:
    if helped.outcome == NOT_TOLD:
        return (
            "Whether the teacher’s help makes the student better cannot be told: its MAE is "
            f"{helped.side} by {helped.words}."
        )
    return f"The teacher’s help makes the student {helped.outcome}, by {helped.words}."


def _as_numbers(found: Mapping[str, Difference]) -> dict[str, dict[str, Any]]:
    return {
        name: {
            "mae_lower_by_bpm": difference.lower_by_bpm, "interval_bpm": difference.interval_bpm,
            "outcome": difference.outcome,
        }
        for name, difference in found.items()
    }
