"""What a program loads before it has done anything: nothing heavy."""

import json
import os
import subprocess
import sys

import pytest

from acquire.data_folder import session_files
from tests.acq.test_json import LEAVES
from tests.support.made_sessions import make_session
from tests.support.public_sets import make_dataset_2

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


# libraries that take long to load, on a small board seconds each
HEAVY = (
    "av", "cv2", "h5py", "jinja2", "matplotlib", "numpy", "onnxruntime", "pandas", "pydantic",
    "scipy", "scipy.interpolate", "scipy.signal", "starlette", "torch", "yaml",
)
# What typer needs for a value; a file of HDF5, and a pulse measured in it.
VALUES, FILE = {"pydantic"}, {"pydantic", "numpy", "h5py"}
# pictures, a face, pages that need no drawings of matplotlib's; two recordings that are compared
PAGES = FILE | {"cv2", "jinja2", "onnxruntime", "yaml", "scipy"}
# videos are written and read, and looked at for a face
VIDEO = FILE | {"av", "cv2"}
FACE = VIDEO | {"onnxruntime"}
# Each verb and the heavy libraries that it may load, in this order: a list that is read again knows
# what it read.
MAY_LOAD = (
    ("--help", set()),
    ("ls --help", set()),
    ("train-kd --help", set()),
    ("runs --data DATA", VALUES),
    ("exclude --data DATA", VALUES),
    ("ls --data DATA", FILE),
    ("ls --data DATA", VALUES),
    ("info SESSION", FILE),
    ("recover SESSION", FILE),
    ("split --holdout S02 --data DATA", FILE),
    ("qc --quiet --jobs 1 --data DATA", PAGES),
    ("train-kd --show-recipe", VALUES | {"av", "cv2", "numpy", "yaml"}),
    ("convert --quiet --jobs 1 --data DATA", VIDEO),
    ("convert --to bids --codec rawvideo --quiet --jobs 1 --data DATA", VIDEO),
    ("card --data DATA", VIDEO | {"jinja2"}),
    ("verify --quiet --data DATA", VIDEO),
    ("exclude SESSION --reason cough --data DATA", VIDEO),
    ("include SESSION --data DATA", VIDEO),
    ("withdraw S02 --dry-run --data DATA", VIDEO),
    ("resync SESSION --dry-run", FILE),
    ("subject S01 --sex F --data DATA", VALUES),
    ("predict SESSION --quiet", FACE),
    ("import SET --quiet --jobs 1 --data OTHER", VIDEO),
    ("simulate --subjects 1 --duration 1s --quiet --jobs 1 --data OTHER", VIDEO),
    # what these do is made with torch or scipy, or takes long
    *((f"{verb} --help", set()) for verb in (
        "evaluate", "export", "bench-board", "calibrate", "demo", "studio", "firmware build",
    )),
)
# by the clock
MAY_LOAD_AT_A_RIG = (
    ("record --simulate --subject S09 --duration 1s --quiet --data OTHER", VIDEO),
    ("live --simulate --duration 1s", FACE),
    ("check --simulate --data OTHER", FACE),
    ("devices", VIDEO),
)
# A verb is run in a fork of a process that has only the command line.
_EACH = """
import json, os, sys
from acq.main import main
heavy, *verbs = json.loads(sys.argv[1])
for words in verbs:
    read, write = os.pipe()
    if not os.fork():
        nothing = os.open(os.devnull, os.O_RDWR)
        os.dup2(nothing, 1)
        os.dup2(nothing, 2)
        sys.argv = ["acq", *words]
        code = 0
        try:
            main()
        except SystemExit as end:
            code = end.code or 0
        finally:
            done = [code, [name for name in heavy if name in sys.modules]]
            os.write(write, json.dumps(done).encode())
            os._exit(0)
    os.close(write)
    with open(read) as told:
        print(told.read())
    os.wait()
"""


def test_each_verb_is_held():
    rows = [row for row, _ in MAY_LOAD + MAY_LOAD_AT_A_RIG]
    assert [verb for verb in LEAVES if not any(f"{row} ".startswith(f"{verb} ") for row in rows)] \
        == ["firmware flash"]                    # which wants a board


@pytest.mark.parametrize("rows", [
    pytest.param(MAY_LOAD, id="data"),
    pytest.param(MAY_LOAD_AT_A_RIG, id="rig", marks=pytest.mark.real_time),
])
def test_a_verb_loads_what_it_needs_and_nothing_else_that_is_heavy(tmp_path, rows):
    for subject, bpm in (("S01", 66.0), ("S02", 90.0)):
        os.utime(make_session(tmp_path, subject, seconds=5.0, bpm=bpm), (1, 1))
    make_dataset_2(tmp_path / "set/subject1", frames=40, labels=40)
    places = {
        "DATA": str(tmp_path), "SESSION": str(session_files(tmp_path)[0]),
        "SET": str(tmp_path / "set"), "OTHER": str(tmp_path / "other"),
    }
    verbs = [[places.get(word, word) for word in verb.split()] for verb, _ in rows]
    done = subprocess.run(
        [sys.executable, "-c", _EACH, json.dumps([HEAVY, *verbs])], capture_output=True, text=True,
        check=True,
    )
    found = [json.loads(line) for line in done.stdout.splitlines()]
    for (verb, allowed), (code, loaded) in zip(rows, found, strict=True):
        assert code == 0, verb
        assert set(loaded) <= allowed, verb


@pytest.mark.parametrize("room", ["acquire", "dataset", "models"])
def test_a_room_loads_nothing_until_a_name_is_asked_of_it(room, tmp_path):
    tops, ours = loaded(f"import {room}", tmp_path)
    assert tops - {"sitecustomize", "usercustomize", "distutils"} <= {"acquire", room}
    assert ours <= {"acquire.lazy"}
