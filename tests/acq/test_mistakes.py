"""A command line that makes no sense is one line: what was expected, what was found, what to do."""

import io
import json
import sys

import pytest
import typer
from typer.main import get_command

from acq.main import app
from acq.options import choose_workers, confirm
from dataset.common.workers import Workers

CASES = [
    ("ls --foo", "expected an option of acq ls, found --foo; acq ls --help lists them"),
    ("ls --forc", "expected an option of acq ls, found --forc; did you mean --force?"),
    ("--xyzzy ls", "expected an option of acq, found --xyzzy; acq --help lists them"),
    ("export --quiet",
     "expected an option of acq export, found --quiet; acq export --help lists them"),
    ("export --otu x", "expected an option of acq export, found --otu; did you mean --out?"),
    ("lss", "expected a verb of acq, found lss; did you mean ls?"),
    ("firmware burn",
     "expected a verb of acq firmware, found burn; acq firmware --help lists them"),
    ("record", "expected --subject, found nothing; acq record --help says what it is"),
    ("predict", "expected VIDEO, found nothing; acq predict --help says what it is"),
    ("recover a b", "expected no more words, found b; acq recover --help says what it takes"),
    ("exclude --from", "expected a value after --from, found nothing; write --from VALUE"),
    ("ls --quiet=1", "expected --quiet alone, found it with a value; leave the value out"),
    ("record --subject S01 --fps abc",
     "expected a number for --fps, found 'abc'; acq record --help says what it takes"),
    ("convert --fold=1.5",
     "expected a whole number for --fold, found '1.5'; acq convert --help says what it takes"),
    ("train-kd --folds 1",
     "expected --folds at least 2, found '1'; acq train-kd --help says what it takes"),
    ("evaluate --side up",
     "expected --side test or train or all, found 'up'; write one of these"),
]


@pytest.mark.parametrize(("words", "line"), CASES)
def test_a_mistake_is_one_line_and_exit_code_2(acq_here, words, line):
    done = acq_here(*words.split())
    assert (done.returncode, done.stdout, done.stderr) == (2, "", f"acq: {line}\n")


@pytest.mark.parametrize("option", ["--recipe", "--also", "--teacher", "--init"])
@pytest.mark.parametrize("word", ["", " "])
def test_a_variable_of_a_script_that_is_not_set_trains_nothing(acq_here, option, word):
    done = acq_here("train-kd", option, word, "--show-recipe")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == f"acq: expected a word after {option}, found an empty one\n"


def test_a_mistake_is_json_where_lines_are(acq_here):
    done = acq_here("ls", "--foo", "--json")
    assert done.returncode == 2
    assert json.loads(done.stderr) == {"error": CASES[0][1]}


WITH_WORKERS = [
    name for name, verb in get_command(app).commands.items()
    if any("--scheduler" in parameter.opts for parameter in verb.params)
]


@pytest.mark.parametrize("verb", WITH_WORKERS)
def test_processes_of_here_and_a_cluster_are_not_both_named(acq_here, tmp_path, verb):
    (tmp_path / "data").mkdir()
    words = [verb, *["."] * (verb == "import"), "--scheduler", "tcp://10.0.0.1:8786"]
    done = acq_here(*words, "--jobs", "1")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == (
        "acq: expected no --jobs with --scheduler, whose cluster does the work; leave one out\n"
    )


@pytest.mark.parametrize("verb", WITH_WORKERS)
def test_what_is_no_address_of_a_scheduler_is_refused_at_once(acq_here, tmp_path, verb):
    (tmp_path / "data").mkdir()
    done = acq_here(verb, *["."] * (verb == "import"), "--scheduler", "nonsense")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == (
        "acq: --scheduler: expected an address such as tcp://10.0.0.1:8786; found 'nonsense'\n"
    )


@pytest.mark.parametrize(
    "address", ["", "tcp://10.0.0.1", "tcp://:8786", "h:x", "ftp://h:1", "h:70000", "h:0"]
)
def test_an_address_without_host_port_or_known_scheme_is_none(address):
    with pytest.raises(typer.BadParameter, match=f"found '{address}'"):
        choose_workers(None, address)


@pytest.mark.parametrize("address", ["tcp://10.0.0.1:8786", "rig2:8786", "tls://[fe80::1]:1"])
def test_an_address_of_a_scheduler_is_taken(address):
    assert choose_workers(None, address) == Workers(None, address)


OF_CURATED = [
    ["--for", "pyvhr"], ["--plan"], ["--fold", "0"], ["--fold", "1"], ["--ppg", "raw"],
    ["--fps", ""], ["--fps", "30"], ["--holes", "keep"], ["--reasons"],
]


@pytest.mark.parametrize("words", OF_CURATED, ids=" ".join)
def test_an_option_of_curated_folders_is_refused_for_bids(acq_here, tmp_path, words):
    (tmp_path / "data").mkdir()
    done = acq_here("convert", "--to", "bids", *words)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith(f"acq: expected no {words[0]} with --to bids, ")


@pytest.mark.parametrize("answer", ["n\n", ""])
def test_a_question_that_is_not_answered_with_yes_is_one_line(acq_here, monkeypatch, answer):
    monkeypatch.setattr("acq.main.app", lambda **_: confirm("Remove it?"))
    monkeypatch.setattr(sys, "stdin", io.StringIO(answer))
    done = acq_here("withdraw", "S01")
    assert done.returncode == 1
    assert done.stderr.endswith("expected yes, found another answer or none; nothing was done\n")
