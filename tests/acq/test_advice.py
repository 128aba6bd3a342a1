"""Every remedy that the library names has its words on the command line."""

import re
import shlex

import pytest
import typer.main
from typer.testing import CliRunner

from acq.advice import _ADVICE, _OF_SEVERAL, _OF_VERB, FOR_PAGE, PAGE, advise, word_fix
from acq.commands.exclude import _ANEW
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


# these refuse what they need in their own words, and do nothing in an empty folder
CURATING = {"exclude", "include", "split", "convert", "runs", "withdraw", "card", "verify", "ls"}


def commands_in(words):
    """Yield each command as words: options, their values, and names as the remedy is of."""
    for match in re.finditer(r"\bacq ([a-z][a-z-]+)([^,;|)]*)", words):
        if match[1] not in COMMANDS or hasattr(COMMANDS[match[1]], "commands"):
            continue
        flags = {
            option for one in COMMANDS[match[1]].params if getattr(one, "is_flag", False)
            for option in one.opts
        }
        taken, rest = [match[1]], shlex.split(match[2])
        while rest and (rest[0].startswith("--") or re.match(r"[A-Z]|pyvhr", rest[0])):
            taken.append(rest.pop(0))
            if taken[-1].startswith("--") and taken[-1] not in flags and rest:
                taken.append(rest.pop(0))
        yield taken


def test_a_command_in_the_advice_runs_as_it_stands(tmp_path, monkeypatch):
    """Parsed as the shell and typer do; those that curate are run, in an empty folder."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "data").mkdir()
    names = {Fix.EXPORT_FOR_AGAIN: "pyvhr", Fix.SPLIT_AND_EXPORT_FOR_AGAIN: "pyvhr"}
    names |= dict.fromkeys(_OF_SEVERAL, "S01-x S02-x")
    names |= dict.fromkeys(
        (Fix.EXPORT_PURE_AGAIN, Fix.SPLIT_AND_EXPORT_PURE_AGAIN), "pure-flat"
    )
    texts = {words.format(of=names.get(fix, "")) for fix, words in _ANEW.items()}
    for verb in COMMANDS:
        texts |= {word_fix(fix, verb, of=names.get(fix, "S01-x 1")) for fix in Fix}
    commands = {tuple(found) for words in texts for found in commands_in(words)}
    assert ("exclude", "S01-x 1", "--reason", "a copy") in commands
    assert ("split", "--force", "--holdout", "SUBJECT") in commands
    chosen = {"K": "2", "TOOL": "pyvhr"}         # what the reader has to choose
    for verb, *words in sorted(commands):
        rest = [chosen.get(one, one) for one in words]
        if rest:                                 # else a verb is named, not a command given
            COMMANDS[verb].make_context(verb, rest[:])
        if rest and verb in CURATING:
            assert CliRunner().invoke(app, [verb, *rest]).exit_code != 2, (verb, *rest)


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


def words_of_every_fix(verb):
    """Return the words of every remedy as `verb` prints them, of something that is one word."""
    return {fix: word_fix(fix, verb, of="pyvhr") for fix in Fix}


def test_a_program_without_words_of_its_own_gives_advice_too(monkeypatch):
    """As where acq is called from Python."""
    monkeypatch.setattr("sys.argv", ["-c"])
    assert word_fix(Fix.LIST_EXCLUSIONS, "ls") == "acq exclude lists what is excluded"


@pytest.mark.parametrize("given", [["--data", "m/my data"], ["--data=m/my data"]])
def test_every_command_in_the_advice_is_of_the_data_folder_that_was_named(given, monkeypatch):
    """Else the advice is followed in ./data, which is another one or none."""
    for verb in {"verify", *(verb for verb, _ in _OF_VERB)}:
        monkeypatch.setattr("sys.argv", ["acq", verb])
        usual = words_of_every_fix(verb)
        monkeypatch.setattr("sys.argv", ["acq", verb, *given])
        named = words_of_every_fix(verb)
        for fix, words in usual.items():
            with_data = named[fix].replace(" --data 'm/my data'", "")
            assert with_data == words
            assert "--data m/" not in words
            commands = [
                match[1] for match in re.finditer(r"\bacq ([a-z][a-z-]+)", words)
                if match[1] in COMMANDS and any(
                    "--data" in parameter.opts for parameter in COMMANDS[match[1]].params
                )
            ]
            assert named[fix].count("--data 'm/my data'") == len(commands), named[fix]
            for taken in commands_in(named[fix]):
                if "--data" in taken:
                    assert taken[taken.index("--data") + 1] == "m/my data", named[fix]


@pytest.mark.parametrize(("fix", "expected"), [
    (Fix.REMOVE_OR_EXCLUDE,
     'leave it out with acq exclude S02-x --reason "there twice" --data m/data'),
    (Fix.SPLIT_AGAIN, "acq split --force --holdout SUBJECT --data m/data, or --folds K, as before"),
    (Fix.CONVERT_AGAIN, "run acq convert --force --data m/data"),
    (Fix.RESUME_OR_REMOVE,
     "acq train-kd --resume --data m/data goes on, or acq runs --remove S02-x --data m/data rem"),
    (Fix.CHOOSE_CODEC_BY_DISK, "acq convert --plan --data m/data shows"),
    (Fix.LIST_DEVICES, "acq devices lists what is plugged in"),
])
def test_the_data_folder_stands_at_the_end_of_a_command(fix, expected, monkeypatch):
    monkeypatch.setattr("sys.argv", ["acq", "verify", "--data", "m/data"])
    assert expected in word_fix(fix, "verify", of="S02-x")
    monkeypatch.setattr("sys.argv", ["acq", "verify"])
    monkeypatch.setenv("ACQ_DATA", "m/data")
    assert expected in word_fix(fix, "verify", of="S02-x")


@pytest.mark.parametrize(("given", "expected"), [
    (["record", "--fps", "30", "--simulate", "--data", "d"],
     ["--simulate", "--force", "--fps", "30", "--data", "d"]),
    (["check", "--camera", "gst:a ! b {1}", "--fps=60"],
     ["--force", "--camera", "gst:a ! b {1}", "--fps", "60"]),
    (["record"], ["--force"]),
])
def test_a_rig_is_calibrated_for_the_camera_and_the_rate_that_were_asked_for(
    given, expected, monkeypatch
):
    """A calibration holds for one camera and rate: with others the advice would change nothing."""
    monkeypatch.setattr("sys.argv", ["acq", *given])
    is_virtual = "--simulate" in given
    again = Fix.CALIBRATE_VIRTUAL_AGAIN if is_virtual else Fix.CALIBRATE_AGAIN
    first = Fix.CALIBRATE_VIRTUAL if is_virtual else Fix.CALIBRATE
    assert shlex.split(word_fix(again, given[0])) == ["run", "acq", "calibrate", *expected]
    expected.remove("--force")
    assert shlex.split(word_fix(first, given[0])) == ["acq", "calibrate", *expected]
    assert "--fps" not in word_fix(Fix.CONVERT_AGAIN, given[0])
