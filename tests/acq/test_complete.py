"""The shell is told the names that are in the data folder, by names of files alone."""

import os
import subprocess
import sys

import pytest
import typer.main

from acq import complete
from acq.main import app
from dataset.published_colour.methods import ALL_METHODS


@pytest.fixture
def data(tmp_path):
    for name in ("S01/S01-20260101T090001Z.h5", "S01/S01-20260102T090001Z.h5", "B2/B2-1.h5"):
        path = tmp_path / "data" / "sessions" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    for name in ("20260101T000000Z", "20260102T000000Z", ".20260103T000000Z.part"):
        (tmp_path / "data" / "runs" / name).mkdir(parents=True)
    return tmp_path / "data"


def completed(verb, name, incomplete, data):
    command = typer.main.get_command(app).commands[verb]
    parameter = next(one for one in command.params if one.name == name)
    with command.make_context(verb, [], resilient_parsing=True) as context:
        context.params["data"] = data
        return [item.value for item in parameter.shell_complete(context, incomplete)]


@pytest.mark.parametrize(
    ("verb", "name", "incomplete", "names"),
    [
        ("info", "session", "S01-20260102", ["S01-20260102T090001Z"]),
        ("predict", "video", "B", ["B2-1"]),
        ("exclude", "session", "x", []),
        ("withdraw", "subject", "", ["B2", "S01"]),
        ("split", "holdout", "S", ["S01"]),
        ("predict", "net", "2026", ["20260102T000000Z", "20260101T000000Z"]),
        ("export", "run", "20260101", ["20260101T000000Z"]),
        ("runs", "run", "20260103", ["20260103T000000Z"]),         # interrupted
        ("evaluate", "methods", "po", ["pos", "pos_skin"]),
    ],
)
def test_names_of_the_data_folder_are_completed(data, verb, name, incomplete, names):
    assert completed(verb, name, incomplete, data) == names


def test_the_methods_are_those_that_there_are():
    assert complete.METHODS == ALL_METHODS


def test_the_shell_asks_as_typer_has_it(data):
    asked = {"_ACQ_COMPLETE": "complete_bash", "COMP_WORDS": "acq info S01-20260101"}
    done = subprocess.run(
        [sys.executable, "-c", "import sys; sys.argv = ['acq']; from acq.main import app; app()"],
        capture_output=True, text=True, check=False, cwd=data.parent,
        env={**os.environ, **asked, "COMP_CWORD": "2"},
    )
    assert done.stdout.split() == ["S01-20260101T090001Z"], done.stderr
