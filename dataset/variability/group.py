"""The variability of a group, in which nobody's own figure shows: for a card that is published.

A heart rate variability is health data. So a group's mean and spread are told from
`SMALLEST_GROUP` subjects on, each counted once, in whole numbers: two cards, one of them without
one subject, then leave that subject's figure open by ten times the rounding or more.
"""

from collections.abc import Mapping, Sequence
from statistics import fmean, stdev

from dataset.common.wording import counted

from .measure import Variability

SMALLEST_GROUP = 10
UNTOLD = "not told"
FIGURES = (
    ("rmssd_ms", "RMSSD", "ms"), ("sdnn_ms", "SDNN", "ms"), ("pnn50_percent", "pNN50", "%"),
    ("mean_nn_ms", "mean interval", "ms"), ("breaths_per_min", "breathing", "1/min"),
)


def describe_group(by_subject: Mapping[str, Sequence[Variability]]) -> list[str]:
    """Return a line a figure: mean and standard deviation over subjects, or why there is none.

    Parameters
    ----------
    by_subject : what was measured in each subject's recordings; a subject counts by their mean
    """
    lines = []
    for field, name, unit in FIGURES:
        known = [
            [value for one in found if (value := getattr(one, field)) is not None]
            for found in by_subject.values()
        ]
        means = [fmean(values) for values in known if values]
        if len(means) < SMALLEST_GROUP:
            told = counted(len(means), "subject")
            lines.append(f"{name}: {UNTOLD}; known of {told}, and told from {SMALLEST_GROUP} on")
        else:
            lines.append(
                f"{name}: {fmean(means):.0f} ± {stdev(means):.0f} {unit}, {len(means)} subjects"
            )
    return lines
