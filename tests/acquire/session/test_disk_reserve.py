"""A disk that is full at every stage of writing: creation, flush, frame, placing, closing.

Each case is a forked process that writes with the real writer until the system refuses. A limit on
the size of a file (RLIMIT_FSIZE) acts as a full disk to the byte; a small tmpfs is one whose free
space the reserve can allocate.
"""

import errno
import json
import os
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

import h5py
import hdf5plugin  # noqa: F401 - registers the filter that the frames are stored with
import numpy as np
import pytest

from acquire import layout
from acquire.camera.source import CameraInfo
from acquire.errors import SessionError
from tests.support import REPO
from tests.support.session_writing import numbered_frame, numbered_sample, open_writer

FRAMES, PER_FLUSH = 40, 5

_FORK = """
import json, os, resource, sys
from tests.acquire.session.test_disk_reserve import {write} as write
for case in {cases!r}:
    if not (child := os.fork()):
        sys.exit(write(case, {folder!r}))
    print(json.dumps([case, os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])]), flush=True)
"""


def run(write, cases, folder):
    """Run `write` for each case in a process; return what it printed and its exit code by case."""
    code = _FORK.format(write=write.__name__, cases=list(cases), folder=str(folder))
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=REPO, capture_output=True, text=True, check=False,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    printed = {case: rest for case, *rest in lines if len(rest) == 2}
    return {case: (*printed[case], rest[0]) for case, *rest in lines if len(rest) == 1}


def write_to_the_limit(limit, folder):
    """Write a session whose file may not exceed `limit` bytes; print flushed frames and error."""
    import resource

    resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))
    flushed, failure = 0, ""
    try:
        with open_writer(Path(folder) / f"{limit}.h5") as writer:
            for i in range(FRAMES):
                writer.add_frame(numbered_frame(i))
                writer.add_sample(**numbered_sample(i))
                if i % PER_FLUSH == PER_FLUSH - 1:
                    writer.flush()
                    flushed = i + 1
            writer.add_event(1, "stopped", "duration")
            writer.place_ppg(np.arange(FRAMES), np.full(FRAMES, 5))
            writer.close(complete=True)
    except Exception as error:     # a test wants to see any
        failure = f"{type(error).__name__}: {error}"
    print(json.dumps([limit, flushed, failure]), flush=True)
    return 1 if failure else 0


@pytest.fixture(scope="module")
def whole_bytes(tmp_path_factory):
    folder = tmp_path_factory.mktemp("whole")
    ((flushed, wrong, code),) = run(write_to_the_limit, [10**9], folder).values()
    assert (flushed, wrong, code) == (FRAMES, "", 0)
    return (folder / f"{10**9}.h5").stat().st_size


def test_a_write_that_fails_at_any_byte_leaves_what_was_flushed_and_no_crash(tmp_path, whole_bytes):
    steps = np.linspace(0, whole_bytes, 24, endpoint=False, dtype=int)
    at_the_start = range(0, 20_000, 2000)
    at_the_end = range(whole_bytes - 3000, whole_bytes, 1000)
    limits = sorted({*map(int, steps), *at_the_start, *at_the_end})
    results = run(write_to_the_limit, limits, tmp_path)
    assert list(results) == limits
    for limit, (flushed, error, code) in results.items():
        assert code == 1, (limit, code, error)                 # a signal would be negative
        assert error.startswith("SessionError: expected to "), error
        assert os.strerror(errno.EFBIG) in error
        assert "\n" not in error
        path = tmp_path / f"{limit}.h5"
        assert path.exists() or not flushed
        if not path.exists():
            continue
        with h5py.File(path, "r", swmr=True) as file:
            assert not file.attrs["complete"]
            assert len(file[layout.FRAMES]) >= flushed
            for i in range(flushed):
                assert (file[layout.FRAMES][i] == numbered_frame(i).image).all()
            assert (file[layout.PPG_VALUE][:flushed] == np.arange(flushed)).all()
    # it failed between any two flushes
    assert len({flushed for flushed, *_ in results.values()}) == FRAMES // PER_FLUSH + 1
    assert not results[limits[0]][0]


MB = 2**20
DISK_BYTES = 44 * MB
# Bytes free at the start, and the frame before which another process takes what is left.
MOMENTS = [
    (0, 99), (10 * MB, 99), (24 * MB, 99), (25 * MB, 0), (26 * MB, 1), (26 * MB, 30), (26 * MB, 48),
    (26 * MB, 49), (30 * MB, 99), (DISK_BYTES, 3), (DISK_BYTES, 60), (DISK_BYTES, 99),
]


def write_until_full(case, folder):
    """Write raw frames until the disk is full, then close the file; print how that went."""
    free, last = MOMENTS[case]
    folder = Path(folder)
    for old in folder.iterdir():
        old.unlink()
    stats = os.statvfs(folder)
    _fill(folder / "other", stats.f_bavail * stats.f_frsize - free)
    info = CameraInfo("fake", 640, 360, 30.0, "I420", "start of exposure")
    image = np.zeros(info.image_shape, np.uint8)
    frames, failure, closed = 0, "", None
    try:
        writer = open_writer(folder / "a.h5", info)
        writer.store.raw = True
        while not failure:
            if frames == last:
                _fill(folder / "rest", DISK_BYTES)
            image[:] = frames % 256
            try:
                writer.add_frame(numbered_frame(frames, info, image))
            except SessionError as error:
                failure = str(error)
            else:
                writer.add_sample(
                    sequence=frames, ticks=frames, value=frames, flags=0, arrival_ns=1, time_ns=1,
                    bound_ns=-1,
                )
                frames += 1
                if frames % 15 == 0:
                    writer.flush()
        _fill(folder / "rest", DISK_BYTES)
        writer.add_event(1, "fault", failure)
        writer.place_ppg(np.arange(frames), np.full(frames, 5))
        writer.close(complete=False, lost_frames=7)
        closed = writer.path.stat()
        with h5py.File(writer.path, "r") as file:  # plainly: it was closed
            assert [file[layout.FRAMES][i, 0, 0] for i in range(frames)] == [
                i % 256 for i in range(frames)
            ]
            assert (file[layout.PPG_BOUND][:] == 5).all()
            assert file[layout.EVENTS][0]["kind"] == b"fault"
            assert (file.attrs["complete"], file.attrs["lost_frames"]) == (False, 7)
        assert closed.st_blocks * 512 - closed.st_size < 4096       # nothing is kept behind its end
    except SessionError as error:
        failure = f"{failure} then {error}" if failure else str(error)
    outcome = "closed" if closed else list(map(str, folder.glob("*.h5")))
    print(json.dumps([case, frames, f"{outcome}: {failure}"]), flush=True)
    return 1


def _fill(path, size):
    with open(path, "ab", buffering=0) as file, suppress(OSError):
        for _ in range(max(0, size) // 4096):
            file.write(bytes(4096))


@pytest.mark.skipif(
    os.geteuid() != 0 or sys.platform != "linux", reason="needs root to mount a small disk"
)
def test_with_a_reserve_the_file_is_closed_and_says_what_it_lost(tmp_path):
    subprocess.run(
        ["mount", "-t", "tmpfs", "-o", f"size={DISK_BYTES}", "tmpfs", tmp_path], check=True
    )
    try:
        results = run(write_until_full, range(len(MOMENTS)), tmp_path)
    finally:
        subprocess.run(["umount", tmp_path], check=True)
    for case, (frames, outcome, code) in results.items():
        is_created = MOMENTS[case][0] > 24 * MB
        assert outcome.startswith(
            "closed: expected room for a frame" if is_created else "[]: expected to "
        ), (MOMENTS[case], outcome)
        assert os.strerror(errno.ENOSPC) in outcome
        assert " then " not in outcome
        assert code == 1
        assert (frames > 0) == is_created
    # none, one step of the reserve, two
    assert len({frames for frames, *_ in results.values()}) == 3
