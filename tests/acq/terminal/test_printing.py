"""Nothing that a file holds reaches the terminal as a control character; JSON stays what it is."""

import ast
import io
import json
import os
import re

import h5py
import pytest
from rich.table import Table
from rich.text import Text
from typer.testing import CliRunner

from acq.main import app
from acq.terminal.console import console_into
from acq.terminal.printing import complain, echo, note, print_csv, print_json, visible, warn
from acquire import layout
from tests.support.made_sessions import make_session

ESC, BEL, CSI8, RLO, ZWSP, LSEP = "\x1b", "\x07", "\x9b", "\u202e", "\u200b", "\u2028"
HOSTILE = f"cam{ESC}]0;owned{BEL}{CSI8}2J{RLO}gpj{ZWSP}{LSEP}\r\nstate  complete"


def is_safe(text):
    return all(char.isprintable() or char == "\n" for char in text)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain, ±0.5 ms − é 脈", "plain, ±0.5 ms − é 脈"),
        (f"a{ESC}[2Jb", r"a\x1b[2Jb"),
        (f"{BEL}{CSI8}", r"\x07\x9b"),
        (f"x{RLO}y{ZWSP}{LSEP}", r"x\u202ey\u200b\u2028"),
        ("two\nlines\r", r"two\nlines\x0d"),
        ("\udcff.h5", r"\udcff.h5"),                    # a file's name that is no UTF-8
        ("\U000e0041", r"\U000e0041"),
    ],
)
def test_control_characters_are_escapes_that_a_person_sees(text, shown):
    assert visible(text) == shown


def test_a_line_stays_a_line_and_its_own_colours_stay(capsys):
    echo(("bad ", "red"), HOSTILE, err=True)
    line = capsys.readouterr().err
    assert line.count("\n") == 1
    assert is_safe(line.replace("\x1b[31m", "").replace("\x1b[0m", ""))
    assert r"]0;owned\x07" in line


LONG = (
    "ppg.csv: 12 values of PPG are -1, which stands for none: all others are 512 to 3071; the "
    "first is at 40 (1.33 s); left out"
)


@pytest.mark.parametrize("say", [note, warn, complain])
def test_a_remark_is_broken_between_words_on_a_terminal_and_nowhere_else(say, monkeypatch, capsys):
    say(LONG)
    whole = capsys.readouterr().err
    assert whole.count("\n") == 1
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.setattr("sys.stderr.isatty", lambda: True)
    say(LONG)
    lines = re.sub(r"\x1b\[[0-9]*m", "", capsys.readouterr().err).splitlines()
    assert len(lines) == 2
    assert max(map(len, lines)) <= 80
    assert " ".join(line.strip() for line in lines) == re.sub(r"\x1b\[[0-9]*m", "", whole).strip()


def test_a_remark_is_as_wide_as_the_terminal_that_it_is_told_on(monkeypatch, capsys):
    """Stdout may lead to a file beside it."""
    monkeypatch.delenv("COLUMNS", raising=False)
    monkeypatch.setattr("sys.stderr.isatty", lambda: True)
    monkeypatch.setattr("sys.stderr.fileno", lambda: 2)
    monkeypatch.setattr("os.get_terminal_size", lambda stream: os.terminal_size((50, 24)))
    note(LONG)
    assert 40 < max(map(len, capsys.readouterr().err.splitlines())) <= 50


def test_json_is_faithful_and_has_no_nan(capsys):
    print_json({"name": HOSTILE, "hr_bpm": float("nan"), "list": (1, 2)})
    text = capsys.readouterr().out
    assert is_safe(text)
    assert json.loads(text) == {"name": HOSTILE, "hr_bpm": None, "list": [1, 2]}


def test_csv_in_a_pipe_is_what_it_is(capsys):
    print_csv(f"a,{RLO}\n")
    assert capsys.readouterr().out == f"a,{RLO}\n"


def test_what_rich_draws_is_safe_also_where_a_text_was_made_elsewhere():
    out = io.StringIO()
    table = Table(HOSTILE)
    table.add_row(Text(f"x{ESC}[31m{RLO}"))
    console_into(out, width=200, color=False).print(table, f"y{ESC}]2;z{BEL}")
    assert is_safe(out.getvalue())
    assert r"\x1b" in out.getvalue()


def test_a_session_with_hostile_strings_is_shown_safely_and_told_faithfully(tmp_path):
    path = make_session(tmp_path, seconds=2.0)
    with h5py.File(path, "r+") as file:
        file[layout.FRAMES].attrs["camera"] = HOSTILE
    shown = CliRunner().invoke(app, ["info", str(path)])
    assert shown.exit_code == 0, shown.output
    assert is_safe(shown.output)
    assert r"\x1b]0;owned\x07\x9b2J\u202egpj\u200b\u2028\x0d\nstate  complete; " in shown.output
    told = CliRunner().invoke(app, ["info", str(path), "--json"])
    assert is_safe(told.output)
    assert json.loads(told.output)["camera"] == HOSTILE


def test_a_name_that_is_no_utf_8_is_listed(tmp_path):
    path = make_session(tmp_path, seconds=2.0)
    path.rename(path.with_name(f"a{RLO}\udcff.h5"))
    for option in ((), ("--json",)):
        done = CliRunner().invoke(app, ["ls", "--data", str(tmp_path), "--quiet", *option])
        assert isinstance(done.exception, SystemExit | None), done.exception
        assert is_safe(done.stdout)
    assert r"\u202e\udcff.h5" in done.stdout


def test_there_is_no_other_way_to_print(repo):
    """In `acq`, only `acq.terminal` prints, and makes consoles."""
    found = []
    for path in (repo / "acq").rglob("*.py"):
        if path.parent.name == "terminal":
            continue
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call):
                called = ast.unparse(node.func)
                if called in ("print", "typer.echo", "typer.secho", "Console", "sys.stdout.write"):
                    found.append(f"{path.name}:{node.lineno} {called}")
    assert not found
