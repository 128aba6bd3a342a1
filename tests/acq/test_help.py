"""What `--help` shows of every verb."""

import pytest
from typer.main import get_command
from typer.testing import CliRunner

from acq.main import app

_TOP = get_command(app)
VERBS = [(), *((name,) for name in _TOP.commands)]
VERBS += [("firmware", name) for name in _TOP.commands["firmware"].commands]


@pytest.mark.parametrize("verb", VERBS, ids=" ".join)
def test_help_fits_80_columns_and_gives_no_value_to_a_switch(verb):
    done = CliRunner().invoke(app, [*verb, "--help"], env={"COLUMNS": "80"})
    assert done.exit_code == 0
    assert "Usage:" in done.output
    assert "<bool>" not in done.output
    assert "…" not in done.output                   # nothing is cut
    assert max(map(len, done.output.splitlines())) <= 80
