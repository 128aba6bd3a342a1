"""A table is whole at any width: no name and no figure is cut, no frame is drawn."""

import io

import pytest
from rich.table import Table

from acq.terminal.console import console_into
from acq.terminal.panel_view import render_panel
from acq.terminal.tables import _fitted, show
from tests.support.made_sessions import make_session
from tests.support.recording_status import panel_state, recording_status
from tests.support.terminals import Terminal

NAMES = ("20261128T101500Z/student", "20261128T101500Z/student_kd", "20261128T101500Z/teacher")
HEADS = ("MAE [bpm]", "RMSE [bpm]", "MAPE [%]", "r", "SNR [dB]", "MACC", "toolbox MAE")
CELLS = ("12.31 [10.20, 14.25]", "15.02 [11.10, 17.45]", "12.5", "−0.85", "−2.31", "0.45", "13.25")


def figures(*names):
    table = Table(title="Heart rate on test: S04")
    table.add_column("")
    for head in HEADS:
        table.add_column(head, justify="right")
    for name in names:
        table.add_row(name, *CELLS)
    return table


def fitted(table, width):
    out = io.StringIO()
    console = console_into(out, width=width, color=False)
    for part in _fitted(table, console):
        console.print(part)
    return out.getvalue()


@pytest.mark.parametrize("width", [200, 120, 80, 60, 40])
def test_every_cell_is_whole_at_any_width(width):
    text = fitted(figures(*NAMES), width)
    assert max(map(len, text.splitlines())) <= width
    for name in NAMES:
        assert name in text
    for cell in CELLS:
        assert text.count(cell) >= len(NAMES), cell
    for word in " ".join(HEADS).split():
        assert word in text
    assert not any(0x2500 <= ord(char) < 0x2580 or char == "…" for char in text)


def test_at_80_columns_each_part_names_its_rows_and_at_40_each_row_is_a_block():
    wide = fitted(figures(*NAMES), 80)
    assert wide.count(NAMES[1]) == 2                    # two tables below each other
    narrow = fitted(figures(*NAMES), 40)
    assert narrow.count(NAMES[1]) == 1
    assert "  MAE [bpm]    12.31 [10.20, 14.25]" in narrow


def test_rows_that_the_first_column_does_not_tell_apart_are_blocks():
    assert fitted(figures("run", "run"), 80).count("12.31 [10.20, 14.25]") == 2
    assert fitted(figures("run", "run"), 80).count("run\n") == 2


def test_sentences_are_broken_over_lines_between_words():
    table = Table(show_header=False)
    table.add_column()
    table.add_column(overflow="fold")
    table.add_row("S01-20261122T101500Z", "no face in 100 % of the looks; together for 8 s")
    text = fitted(table, 60)
    assert max(map(len, text.splitlines())) <= 60
    assert " ".join(text.split()) == (
        "S01-20261122T101500Z no face in 100 % of the looks; together for 8 s"
    )


def test_in_a_pipe_each_row_is_one_line(capsys):
    show(figures(*NAMES))
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "Heart rate on test: S04"
    assert [line.split()[0] for line in lines[2:]] == list(NAMES)
    assert all(all(cell in line for cell in CELLS) for line in lines[2:])
    assert all(line == line.rstrip() for line in lines)


@pytest.mark.parametrize("width", [80, 40])
def test_the_labels_of_the_panel_are_whole_words(width):
    out = io.StringIO()
    drawn = render_panel(recording_status(), panel_state(), elapsed_s=65.0, width=width)
    console_into(out, width=width, color=False).print(drawn)
    firsts = [line.split()[0] for line in out.getvalue().splitlines() if line.strip()]
    assert {"face", "video", "ppg", "lost", "sync", "disk", "marks"} <= set(firsts)


@pytest.mark.real_time
def test_a_real_terminal_cuts_no_session_id(tmp_path):
    ids = [make_session(tmp_path, subject, seconds=2.0).stem for subject in ("S01", "S02")]
    with Terminal("ls", "--data", tmp_path, "--quiet", cwd=tmp_path) as terminal:
        assert terminal.finish() == 0
    assert all(session in terminal.output for session in ids)
    assert "…" not in terminal.output
