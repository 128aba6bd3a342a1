import pytest

from dataset.common.wording import clock_time, counted, number, pulse_lag


@pytest.mark.parametrize(
    ("value", "digits", "text"),
    [
        (1234.5, 1, "1,234.5"), (-0.5, 2, "−0.50"), (0, 0, "0"), (24_769, 0, "24,769"),
        (None, 2, "–"), (float("nan"), 2, "–"), (float("-inf"), 2, "–"),
    ],
)
def test_a_number_has_a_true_minus_and_none_is_a_dash(value, digits, text):
    assert number(value, digits) == text


@pytest.mark.parametrize(
    ("time_s", "text"),
    [
        (0, "0:00"), (80, "1:20"), (80.5, "1:20.5"), (59.96, "1:00"), (3723, "1:02:03"),
        (3723.25, "1:02:03.2"), (-0.5, "−0:00.5"), (-0.01, "0:00"),
    ],
)
def test_a_time_reads_as_a_clock(time_s, text):
    assert clock_time(time_s) == text


def test_a_count_has_its_noun():
    assert (counted(1, "frame"), counted(2, "frame")) == ("1 frame", "2 frames")


def test_a_lag_says_whose_pulse_comes_first():
    assert pulse_lag(-69.4) == "the face's pulse is 69 ms before the finger's"
    assert pulse_lag(30.0) == "the face's pulse is 30 ms after the finger's"
