"""A subject's folder that may not be entered: no verb goes on as if that person were not there."""

import os
import shutil
import subprocess
import sys

import pytest

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


@pytest.mark.parametrize("verb", ["ls", "qc", "verify", "split --holdout S02", "info S02-1"])
def test_a_verb_names_the_folder_and_fails(data, verb):
    words = [*UNPRIVILEGED, sys.executable, "-m", "acq.main", *verb.split(), "--data", str(data)]
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    assert done.returncode == 1, done
    assert f"{data}/sessions/S02, found: Permission denied" in done.stderr


@pytest.mark.real_time
def test_somebody_else_is_recorded_all_the_same(data):
    words = ["record", "--subject", "S03", "--simulate", "--duration", "2s", "--data", str(data)]
    command = [*UNPRIVILEGED, sys.executable, "-m", "acq.main", *words]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done
    assert f"found Permission denied in {data}/sessions/S02" in done.stderr
    assert len(list((data / "sessions/S03").glob("*.h5"))) == 1
