"""People drawn at 36x36 beside those rendered whole: the pulse is of the same height and colour.

`python -m benchmarks.drawn_people` measures more of them, and what differs: motion, light, noise.
"""

import numpy as np
import pytest

from benchmarks.drawn_people import pulse_of_drawn, pulse_of_rendered

NUMBERS = [number for number in range(1, 20) if number % 8]     # of each eight, one has no pulse


@pytest.fixture(scope="module")
def pulses():
    """RMS in red, green and blue, relative to the mean, of each person: drawn, rendered."""
    return [
        np.array([of_one(number) for number in NUMBERS])
        for of_one in (pulse_of_drawn, pulse_of_rendered)
    ]


def test_the_pulse_of_drawn_people_is_about_as_high_as_that_of_rendered_ones(pulses):
    drawn, rendered = (np.median(of_kind[:, 1]) for of_kind in pulses)
    assert 1 / 2.5 < drawn / rendered < 2.5
    assert 0.0004 < drawn < 0.003       # 0.3 to 1.5 % peak to peak is published, of skin alone


def test_the_pulse_is_as_green_in_both_kinds_of_people(pulses):
    drawn, rendered = (
        np.median(of_kind[:, 1] / of_kind[:, [0, 2]].mean(axis=1)) for of_kind in pulses
    )
    assert 1.4 < drawn < 3.0            # 1.8 is published; of light it is 1
    assert 1.4 < rendered < 3.0
    assert 1 / 1.6 < drawn / rendered < 1.6
