"""Every remedy that the library names has its words on the command line."""

import re

import pytest
import typer.main

from acq.advice import _ADVICE, _OF_VERB, FOR_PAGE, PAGE, advise, word_fix
from acq.main import app
from acquire.errors import CurationError, Fix
from tests.support import REPO

COMMANDS = typer.main.get_command(app).commands


@pytest.mark.parametrize("fix", Fix, ids=lambda fix: fix.name)
def test_a_remedy_is_worded_for_people_and_for_programs(fix):
    words = word_fix(fix, "record", of="S01-x")
    assert "{" not in words
    for verb in re.findall(r"\bacq ([a-z][a-z-]+)", words):
        assert verb in COMMANDS or verb == "again", words        # "install acq again"
    assert not re.search(r"\bacq [a-z]+ -|--[a-z]", fix.value), "the library names no command"


def test_options_in_the_advice_are_options_of_some_verb():
    known = {
        option for command in COMMANDS.values() for parameter in command.params
        for option in parameter.opts
    }
    for words in [*_ADVICE.values(), *_OF_VERB.values()]:
        assert set(re.findall(r"--[a-z-]+", words.replace("--{of}", ""))) <= known


def test_on_the_page_of_the_rig_no_remedy_names_an_option(monkeypatch):
    """Those of devices, calibration and recording; also where a page started the verb."""
    rooms = [REPO / "acquire" / room for room in ("camera", "sensor", "other_sensors", "recorder",
                                                  "calibration")] + [REPO / "dataset/preflight"]
    sources = "".join(path.read_text() for room in rooms for path in room.glob("*.py"))
    fixes = {Fix[name] for name in re.findall(r"Fix\.([A-Z_]+)", sources)}
    assert Fix.CALIBRATE in fixes
    on_page = {fix: word_fix(fix, PAGE) for fix in fixes}
    assert {fix for fix, words in on_page.items() if "--" in words} == {Fix.REPLACE}   # not asked
    monkeypatch.setenv(*next(iter(FOR_PAGE.items())))
    assert {fix: word_fix(fix, "record") for fix in fixes} == on_page


def test_the_verb_that_was_run_changes_the_words():
    error = CurationError(expected="a", found="b", fix=Fix.CONVERT_AGAIN)
    assert advise(error, "train-kd") == "expected a, found b; run acq convert --force"
    assert advise(error, "convert") == "expected a, found b; run it again with --force"
    assert str(error) == "expected a, found b; convert the sessions again"
    assert {verb for verb, _ in _OF_VERB} <= set(COMMANDS)
