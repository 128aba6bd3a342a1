"""A data folder of four short sessions of three subjects; that of S02 was cut short."""

import pytest

from tests.support.made_sessions import make_session


@pytest.fixture
def data(tmp_path):
    for subject, number in (("S01", 1), ("S01", 2), ("S02", 1), ("S03", 1)):
        make_session(tmp_path, subject, number, seconds=0.3, complete=subject != "S02")
    return tmp_path
