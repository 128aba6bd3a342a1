"""Verbs that take long, as real processes ended by real signals: at once, in one line, with
nothing half-made left.
"""

import shutil
import signal

import pytest

from acquire import data_folder
from dataset.selection.choose import split_by_subject
from dataset.selection.identities import identify_sessions
from dataset.selection.split_file import write_split
from tests.support.ended import end_when, half_made, start
from tests.support.made_sessions import make_session

VERBS = {
    "simulate, in processes, Ctrl-C": (
        ["simulate", "--subjects", "3", "--sessions", "1", "--duration", "10min", "--jobs", "2"],
        "sessions/*/.*.part", signal.SIGINT,
    ),
    "convert, SIGTERM": (["convert"], ".ubfc-partial/*/*/vid.avi", signal.SIGTERM),
    "qc, in processes, the terminal goes away": (
        ["qc", "--jobs", "2"], ".locks/quality", signal.SIGHUP,
    ),
}


@pytest.fixture(scope="module")
def template(tmp_path_factory):
    """Two recordings and their split; the first takes a moment to convert."""
    data = tmp_path_factory.mktemp("ended") / "data"
    for subject, seconds in (("S01", 50.0), ("S02", 12.0)):
        make_session(data, subject, seconds=seconds)
    split = split_by_subject(identify_sessions(data), holdout=["S02"])
    write_split(split, data_folder.split_file(data))
    return data


@pytest.mark.parametrize(("words", "sign", "number"), VERBS.values(), ids=VERBS)
def test_a_verb_ends_at_once_and_leaves_nothing_half_made(
    template, tmp_path, words, sign, number
):
    data = shutil.copytree(template, tmp_path / "data")
    if words[0] == "simulate":
        shutil.rmtree(data / "sessions")
    process = start(*words, "--data", data, "--quiet", cwd=tmp_path)
    ended = end_when(process, lambda: any(data.glob(sign)), number)
    assert ended.code == 128 + number, ended
    assert ended.seconds < 10                    # a busy machine; alone it takes half a second
    assert ended.out == ""
    assert ended.err.startswith("acq: ")
    assert len(ended.err.splitlines()) == 1, ended.err
    assert half_made(data) == []
