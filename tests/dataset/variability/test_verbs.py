"""What `qc --hrv` and `card --hrv` tell of a recording of a minute."""

import re

import pytest

from acquire import data_folder
from acquire.simulation.subject import VirtualSubject
from tests.support.in_this_process import run_here
from tests.support.made_fingers import sampled
from tests.support.made_sessions import make_session
from tests.support.splits import write_new_split


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    data = tmp_path_factory.mktemp("data")
    heart = sampled(VirtualSubject("S02", seed=7).ppg, 70.04)
    make_session(data, "S01", seconds=70.0, ppg=heart)
    make_session(data, "S02", seconds=8.0)
    write_new_split(data, "S02")
    return data


def test_qc_has_it_on_the_pages(data):
    name = "S01-20260101T090001Z"
    done = run_here("qc", name, "--hrv", "--jobs", 1, "--quiet", "--data", data, cwd=data)
    assert done.returncode == 0, done.stderr
    page = (data_folder.quality_dir(data) / f"{name}.html").read_text()
    assert re.search(r"RMSSD \d+\.\d ms, SDNN \d+\.\d ms", page)


def test_a_card_tells_of_the_group(data):
    assert run_here("convert", "--quiet", "--data", data, cwd=data).returncode == 0
    done = run_here("card", "--hrv", "--data", data, cwd=data)
    assert done.returncode == 0, done.stderr
    card = (data / "ubfc/card.md").read_text()
    assert "RMSSD: not told; known of 1 subject, and told from 10 on" in card
