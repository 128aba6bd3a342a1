"""A subject's folder that may not be entered: no verb goes on as if that person were not there."""

import json
import os
import shutil
import subprocess
import sys

import pytest

from dataset.selection.exclusions import Exclusion, Exclusions
from dataset.selection.exclusions_file import write_exclusions
from tests.support.made_sessions import make_session

_MAY_ALL = "-dac_override,-dac_read_search"     # root's right to read what it may not
UNPRIVILEGED = ["setpriv", f"--bounding-set={_MAY_ALL}"] if os.geteuid() == 0 else []

pytestmark = pytest.mark.skipif(
    sys.platform != "linux" or (bool(UNPRIVILEGED) and not shutil.which("setpriv")),
    reason="needs permissions that hold, of root by setpriv",
)


@pytest.fixture
def data(tmp_path):
    """Two subjects, of whom one cannot be looked at."""
    (tmp_path / "sessions/S01").mkdir(parents=True)
    (tmp_path / "sessions/S02").mkdir()
    (tmp_path / "sessions/S02").chmod(0)
    yield tmp_path
    (tmp_path / "sessions/S02").chmod(0o700)


@pytest.mark.parametrize("verb", ["qc", "verify", "split --holdout S02", "info S02-1"])
def test_a_verb_names_the_folder_and_fails(data, verb):
    words = [*UNPRIVILEGED, sys.executable, "-m", "acq.main", *verb.split(), "--data", str(data)]
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    assert done.returncode == 1, done
    assert f"{data}/sessions/S02, found: Permission denied" in done.stderr


@pytest.mark.parametrize("others", [0, 1])
def test_the_list_has_the_other_subjects_and_names_the_folder(data, others):
    sessions = [make_session(data, "S01", seconds=1.0).stem for _ in range(others)]
    exclusion = Exclusion("S02-1", None, None, "x", "2026-01-01T00:00:00+00:00")
    write_exclusions(data, Exclusions((exclusion,)))     # of what may be there, and cannot be seen

    def run(*words):
        words = [sys.executable, "-m", "acq.main", "ls", "--json", "--quiet", *words]
        words = [*UNPRIVILEGED, *words, "--data", str(data)]
        return subprocess.run(words, capture_output=True, text=True, check=False)

    done = run()
    assert done.returncode == 1, done
    (line,) = done.stderr.splitlines()
    assert f"found Permission denied in {data}/sessions/S02; what may lie in it is not" in line
    listed = json.loads(done.stdout)
    assert [row["session"] for row in listed["rows"]] == sessions
    assert listed["problems"] == 1
    assert [run("--subject", "S02").returncode, run("--subject", "S09").returncode] == [1, 1]
    if others:
        assert run("--subject", "S01").returncode == 0


@pytest.mark.real_time
def test_somebody_else_is_recorded_all_the_same(data):
    words = ["record", "--subject", "S03", "--simulate", "--duration", "2s", "--data", str(data)]
    command = [*UNPRIVILEGED, sys.executable, "-m", "acq.main", *words]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done
    assert f"found Permission denied in {data}/sessions/S02" in done.stderr
    assert len(list((data / "sessions/S03").glob("*.h5"))) == 1
