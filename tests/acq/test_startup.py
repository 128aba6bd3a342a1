"""What a program loads before it has done anything: nothing heavy."""

import json
import subprocess
import sys

import pytest

_LOADED = """
import json, sys
from contextlib import redirect_stdout
import io
try:
    with redirect_stdout(io.StringIO()):
        {code}
except SystemExit:
    pass
tops = {{name.partition(".")[0] for name in sys.modules}} - set(sys.stdlib_module_names)
print(json.dumps([sorted(tops), sorted(name for name in sys.modules if name.startswith(
    ("acquire.", "dataset.", "models.")))]))
"""


def loaded(code, tmp_path):
    done = subprocess.run(
        [sys.executable, "-c", _LOADED.format(code=code)], capture_output=True, text=True,
        cwd=tmp_path, check=True,
    )
    tops, ours = json.loads(done.stdout)
    return {top for top in tops if not top.startswith("_")}, set(ours)


def test_help_loads_the_command_line_and_nothing_of_the_rooms_but_errors(tmp_path):
    tops, ours = loaded("sys.argv = ['acq', '--help']; from acq.main import main; main()", tmp_path)
    assert tops - {"pytest", "sitecustomize", "usercustomize"} <= {
        "acq", "acquire", "dataset", "typer", "rich", "pygments", "markdown_it", "mdurl",
        "shellingham", "annotated_doc", "typing_extensions", "click", "distutils",
    }
    assert ours <= {
        "acquire.errors", "acquire.interrupts", "acquire.lazy", "dataset.common",
        "dataset.common.wording",
    }


@pytest.mark.parametrize("room", ["acquire", "dataset", "models"])
def test_a_room_loads_nothing_until_a_name_is_asked_of_it(room, tmp_path):
    tops, ours = loaded(f"import {room}", tmp_path)
    assert tops - {"sitecustomize", "usercustomize", "distutils"} <= {"acquire", room}
    assert ours <= {"acquire.lazy"}
