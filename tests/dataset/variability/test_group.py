"""A card tells of a group, and of nobody in it."""

import re
from dataclasses import replace

from dataset.variability.group import SMALLEST_GROUP, describe_group
from dataset.variability.measure import Variability

FOUND = Variability(300, 290.0, 900.0, 50.0, 40.0, 20.0, "", 15.0, "", {}, 0)


def people(count, **figures):
    return {f"S{n:02d}": [replace(FOUND, rmssd_ms=30.0 + n, **figures)] for n in range(count)}


def test_a_group_has_mean_and_spread_over_subjects_in_whole_numbers():
    lines = describe_group(people(11))
    assert lines[0] == "RMSSD: 35 ± 3 ms, 11 subjects"
    assert not any(re.search(r"\d\.\d", line) for line in lines)


def test_a_subject_counts_once_however_many_recordings():
    group = people(11)
    group["S00"] *= 50
    assert describe_group(group)[0] == describe_group(people(11))[0]


def test_a_small_group_is_not_told():
    lines = describe_group(people(SMALLEST_GROUP - 1))
    assert lines[0] == "RMSSD: not told; known of 9 subjects, and told from 10 on"
    assert all("not told" in line for line in lines)


def test_who_has_no_figure_is_not_counted():
    lines = describe_group(people(12) | {"S99": [replace(FOUND, rmssd_ms=None, why_not="flat")]})
    assert lines[0].endswith("12 subjects")
    assert lines[1].endswith("13 subjects")
    lines = describe_group(people(12, breaths_per_min=None))
    assert lines[-1] == "breathing: not told; known of 0 subjects, and told from 10 on"
