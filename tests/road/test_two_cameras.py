"""Two cameras are two recordings at once, in two data folders, on one clock."""

import subprocess
import sys
import time

import pytest

import dataset
from acquire.data_folder import session_files


@pytest.mark.real_time
def test_two_recordings_of_one_person_lie_side_by_side(tmp_path):
    before_ns = time.monotonic_ns()
    words = ("record", "--subject", "S01", "--simulate", "--duration", "3s", "--quiet")
    running = [
        subprocess.Popen(
            [sys.executable, "-m", "acq.start", *words, "--data", name], cwd=tmp_path,
            stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True,
        )
        for name in ("front", "side")
    ]
    errors = [process.communicate()[1] for process in running]
    assert [process.returncode for process in running] == [0, 0], errors
    after_ns = time.monotonic_ns()
    spans, zero_ns = [], []
    for name in ("front", "side"):
        (path,) = session_files(tmp_path / name)
        with dataset.open_session(path) as session:
            spans.append((session.frame_time_ns[0], session.frame_time_ns[-1]))
            zero_ns.append(session.started_unix_ns - session.started_monotonic_ns)
    assert all(before_ns < first < last < after_ns for first, last in spans)
    assert max(first for first, _ in spans) < min(last for _, last in spans)     # they overlap
    assert zero_ns[0] == pytest.approx(zero_ns[1], abs=20e6)
