"""What a table of errors shows, in words, where too few were tested to show more."""

from collections.abc import Mapping

from dataset.common.wording import counted, number

from .gap import NETWORKS
from .published import LEAST_GAP_BPM

# what a network has to be ahead of to be of use, and what it has to reach
WEAK, STRONG = "green", "pos"
AHEAD, LEVEL, BEHIND = "ahead", "level", "behind"
WITHIN = f", within {LEAST_GAP_BPM:g} bpm"


def side_of(lead_bpm: float) -> str:
    """Return on which side of another a method is that leads by so much; level: by too little."""
    if abs(lead_bpm) < LEAST_GAP_BPM:
        return LEVEL
    return AHEAD if lead_bpm > 0 else BEHIND


def order_in_words(
    mae_bpm: Mapping[str, float], titles: Mapping[str, str], *, guess_bpm: float, subjects: int,
    seeds: int = 1,
) -> list[str]:
    """Return sentences: whether the teacher's help shows, and where the three networks stand.

    Parameters
    ----------
    mae_bpm : of the three networks and of the methods without training; two that are less than
        `LEAST_GAP_BPM` apart are level
    titles : of these, for people
    guess_bpm : MAE of the guess of the mean rate
    subjects : how many were tested
    seeds : over how many the errors are means
    """
    ranked = sorted(NETWORKS, key=lambda name: mae_bpm[name])
    errors = ", ".join(f"{titles.get(name, name)} {number(mae_bpm[name])}" for name in ranked)
    gaps = [
        mae_bpm[after] - mae_bpm[before] for before, after in
        (("teacher", "student_kd"), ("student_kd", "student"))
    ]
    if min(gaps) >= LEAST_GAP_BPM:
        shown = "the order that a teacher’s help should give"
    elif mae_bpm[ranked[-1]] - mae_bpm[ranked[0]] < LEAST_GAP_BPM:
        shown = f"all three are {LEVEL}{WITHIN}"
    else:
        wanted = ", ".join(titles.get(n, n) for n in ("teacher", "student_kd", "student"))
        shown = f"not the order that a teacher’s help should give ({wanted})"
    of = " in this table" if seeds == 1 else f", mean of {seeds} seeds"
    sentences = [f"MAE{of} [bpm]: {errors}; {shown}."]
    idle = [name for name in NETWORKS if mae_bpm[name] > guess_bpm - LEAST_GAP_BPM]
    if idle:
        names = ", ".join(titles.get(name, name) for name in idle)
        sentences.append(
            f"No better than a guess of the mean rate ({number(guess_bpm)} bpm): {names}."
        )
    beside = [_beside(name, mae_bpm, titles) for name in (WEAK, STRONG) if name in mae_bpm]
    if beside:
        sentences.append(" ".join(beside))
    sentences.append(
        f"That is {'one seed' if seeds == 1 else f'the mean of {seeds} seeds'}, tested on "
        f"{counted(subjects, 'subject')}: another seed, or others tested, may turn the order round."
    )
    return sentences


def _beside(formula: str, mae_bpm: Mapping[str, float], titles: Mapping[str, str]) -> str:
    """Return which networks are ahead of a formula, level with it and behind it."""
    groups: dict[str, list[str]] = {AHEAD: [], LEVEL: [], BEHIND: []}
    for name in NETWORKS:
        groups[side_of(mae_bpm[formula] - mae_bpm[name])].append(titles.get(name, name))
    words = []
    for side, names in groups.items():
        if names:
            whom = "all three" if len(names) == len(NETWORKS) else ", ".join(names)
            words.append(f"{side}{WITHIN if side == LEVEL else ''}: {whom}")
    title = titles.get(formula, formula)
    return f"Beside {title} ({number(mae_bpm[formula])} bpm) {'; '.join(words)}."
