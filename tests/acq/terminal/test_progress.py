"""Bars on a terminal, lines in a log: the beginning of a stage, a sign of life, an epoch."""

import json
import logging
import os
import shutil
import time

import pytest

from acq.terminal import printing, progress
from acq.terminal.progress import ProgressLines, show_progress
from tests.support.made_sessions import make_session
from tests.support.terminals import Terminal

LOG = logging.getLogger("models.training.fit")


def test_a_stage_says_that_it_begins_and_steps_say_nothing():
    said = []
    with ProgressLines(said.append, first_s=0) as lines:
        for stage in ("measuring sessions", "comparing frames"):
            for done in range(501):
                lines.on_progress(stage, done, 500)
    assert said == [
        f"{stage}: {done} of 500" for stage in ("measuring sessions", "comparing frames")
        for done in (0, 500)
    ]


@pytest.mark.real_time
def test_a_stage_has_no_line_until_it_takes_a_while_and_then_one_at_its_end():
    said = []
    with ProgressLines(said.append, first_s=0.2) as lines:
        for done in range(3):
            lines.on_progress("reading sessions", done + 1, 3)
        lines.on_progress("comparing subjects", 0, 2)
        time.sleep(0.8)
        lines.on_progress("comparing subjects", 2, 2)
    assert said == ["comparing subjects: 0 of 2", "comparing subjects: 2 of 2"]


def test_stages_that_go_on_by_turns_begin_once():
    said = []
    with ProgressLines(said.append, first_s=0) as lines:
        for done in range(0, 400, 25):
            for stage in ("writing frames", "checking frames"):
                lines.on_progress(stage, done, 400)
    assert said == ["writing frames: 0 of 400", "checking frames: 0 of 400"]


@pytest.mark.real_time
def test_a_stage_in_which_nothing_gets_done_gives_a_sign_of_life():
    said = []
    with ProgressLines(said.append, every_s=0.3, first_s=0) as lines:
        lines.on_progress("teacher", 2, 400)
        time.sleep(1.3)
    assert said[0] == "teacher: 2 of 400"
    assert 3 <= len(said) <= 5                       # about every 0.3 s, whoever calls
    assert said[-1] == "teacher: 2 of 400 after 0:01"


def test_what_the_library_logs_is_a_line_and_a_sign_of_life():
    said = []
    with ProgressLines(said.append, every_s=0.5, first_s=0) as lines:
        lines.on_progress("teacher", 0, 400)
        for epoch in range(1, 4):
            time.sleep(0.3)
            LOG.info("%s: epoch %d of %d", "teacher", epoch, 3)
    assert said == ["teacher: 0 of 400", *(f"teacher: epoch {n} of 3" for n in (1, 2, 3))]
    LOG.info("nobody listens any more")
    assert len(said) == 4
    assert not LOG.isEnabledFor(logging.INFO)


def test_the_end_of_a_stage_is_said_once():
    said = []
    with ProgressLines(said.append, first_s=0) as lines:
        lines.on_progress("hashing sessions", 0, 3)
        for _ in range(2):
            lines.on_progress("hashing sessions", 3, 3)
    assert said == ["hashing sessions: 0 of 3", "hashing sessions: 3 of 3"]


def test_lines_are_json_where_errors_are(capsys, monkeypatch):
    monkeypatch.setitem(printing._state, "json", True)
    with show_progress() as on_progress:
        on_progress("hashing sessions", 0, 3)
    assert json.loads(capsys.readouterr().err) == {
        "note": "hashing sessions: 0 of 3", "stage": "hashing sessions", "done": 0, "total": 3,
    }


def test_a_program_gets_progress_while_something_gets_done(capsys, monkeypatch):
    monkeypatch.setitem(printing._state, "json", True)
    monkeypatch.setattr(progress, "OBJECT_EVERY_S", 0.0)
    with show_progress() as on_progress:
        for done in range(4):
            on_progress("hashing sessions", done, 3)
    lines = [json.loads(line) for line in capsys.readouterr().err.splitlines()]
    assert [line["done"] for line in lines if line["stage"] == "hashing sessions"][-1] == 3
    assert {1, 2} <= {line["done"] for line in lines}


@pytest.mark.parametrize("quiet", [False, True])
def test_a_piped_stderr_gets_lines_without_bars_and_none_where_quiet(capsys, quiet, monkeypatch):
    monkeypatch.setattr(ProgressLines.__init__, "__kwdefaults__", {"every_s": 30, "first_s": 0})
    with show_progress(quiet=quiet) as on_progress:
        on_progress("hashing\x1b]0;sessions", 0, 3)
        on_progress("hashing\x1b]0;sessions", 3, 3)
    assert capsys.readouterr() == (
        "", "" if quiet else "hashing\\x1b]0;sessions: 0 of 3\nhashing\\x1b]0;sessions: 3 of 3\n"
    )


def test_bars_are_for_terminals_alone(acq, tmp_path):
    for number in (1, 2):
        make_session(tmp_path / "data", number=number, seconds=2.0)
    piped = acq("ls", env={**os.environ, "FORCE_COLOR": "1", "TERM": "xterm"})
    assert piped.returncode == 0
    assert piped.stderr == ""                            # of a moment
    shutil.rmtree(tmp_path / "data/cache", ignore_errors=True)      # else there is nothing to read
    with Terminal("ls", cwd=tmp_path) as terminal:
        assert terminal.finish(60) == 0
    assert "2/2" in terminal.output
    assert "━" in terminal.output
