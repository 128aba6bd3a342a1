"""Recordings with a known truth, synchronised anew: bytes reproduced, crashes survived, growing
files left alone.
"""

import functools
import json
import os
import subprocess
import sys
import time

import h5py
import numpy as np
import pytest

from acquire import data_folder, layout
from acquire.camera.source import CameraInfo, VideoFrame
from acquire.errors import SessionError
from acquire.session.writer import SessionWriter
from benchmarks.plants import Plant, make, place_live
from dataset.recovery import resync as resync_module
from dataset.recovery.resync import resync
from dataset.selection.choose import split_by_subject
from dataset.selection.identities import SessionIdentity
from dataset.selection.split_file import write_split
from dataset.session.reader import Session
from tests.support.fakes import HELLO

MADE = make(Plant(seconds=50, ppm=5000, hold_ms=16), seed=2)
LIVE = functools.cache(lambda: place_live(MADE))
LONG_AGO_S = 60


def write_recording(path, *, closed=True):
    """Write a recording of the plant with the times known while recording; return its writer.

    It has 1,200 samples, more than one chunk.
    """
    time_ns, bound_ns = LIVE()
    camera = CameraInfo("fake", 32, 24, 25.0, "I420", "start of exposure")
    writer = SessionWriter(
        path, session_id="S01-20260101T090000Z", subject="S01", camera=camera, hello=HELLO,
        port="/dev/x", started_unix_ns=1, started_monotonic_ns=2, simulated=False,
    )
    writer.add_frame(VideoFrame(np.zeros(camera.image_shape, np.uint8), 1, 2, 0))
    for row in MADE.exchanges.tolist():
        writer.add_exchange(*row)
    for row in MADE.clocks.tolist():
        writer.add_clocks(*row)
    rows = zip(
        MADE.ticks.tolist(), MADE.arrival_ns.tolist(), time_ns.tolist(), bound_ns.tolist(),
        strict=True,
    )
    for i, (ticks, arrival, at, bound) in enumerate(rows):
        writer.add_sample(
            sequence=i, ticks=ticks, value=i, flags=0, arrival_ns=arrival, time_ns=at,
            bound_ns=bound,
        )
    if closed:
        writer.close(complete=True)
    else:
        writer.flush()
    return writer


@pytest.fixture
def path(tmp_path):
    return write_recording(tmp_path / "S01-20260101T090000Z.h5").path


def columns(path):
    with Session(path) as session:
        return session.ppg_time_ns, session.ppg_bound_ns


def test_live_times_become_those_of_the_whole_recording(path):
    live_bound_ns = columns(path)[1]
    found = resync(path)
    time_ns, bound_ns = columns(path)
    assert (np.abs(time_ns - MADE.truth_ns) <= bound_ns).all()
    assert (bound_ns >= 0).all()
    assert np.median(bound_ns) < np.median(live_bound_ns)
    assert found.samples == len(MADE.ticks)
    assert found.changed > 0.9 * found.samples
    assert (found.unbounded, found.bound_ms) == (0, bound_ns.max() / 1e6)
    assert (found.unbounded_before, found.bound_before_ms) == (
        (live_bound_ns < 0).sum(), live_bound_ns.max() / 1e6,
    )


def test_the_same_exchanges_give_the_same_bytes(path):
    resync(path)
    once = path.read_bytes()
    assert resync(path).changed == 0
    assert path.read_bytes() == once


def test_nothing_but_two_columns_changes(path, tmp_path):
    before = path.read_bytes()
    with Session(path) as session:
        old = {name: column.copy() for name, column in session._columns.items()}
    resync(path)
    assert path.stat().st_size == len(before)
    with Session(path) as session:
        for name, column in session._columns.items():
            assert (column == old[name]).all() == (
                name not in (layout.PPG_TIME, layout.PPG_BOUND)
            ), name


def test_a_recording_just_closed_does_not_change(acq_here, tmp_path):
    made = acq_here(
        "record", "--subject", "S01", "--simulate", "--duration", "3s", "--quiet", "--json"
    )
    (path,) = tmp_path.rglob("*.h5")
    before = path.read_bytes()
    found = json.loads(acq_here("resync", path, "--json").stdout)
    assert json.loads(made.stdout)["sync_bound_ms"] == found["bound_ms"]
    assert found["changed"] == 0
    assert path.read_bytes() == before


_KILLED = """
import os, sys
from pathlib import Path
from tests.dataset.recovery.test_resync import write_recording
writer = write_recording(Path({path!r}), closed=False)
os.kill(os.getpid(), 9)
"""


def test_a_killed_recording_is_synchronised_and_stays_what_it_was(tmp_path, repo):
    path = tmp_path / "S01-20260101T090000Z.h5"
    code = _KILLED.format(path=str(path))
    assert subprocess.run([sys.executable, "-c", code], cwd=repo, check=False).returncode == -9
    with pytest.raises(SessionError, match="wait 10 s if its recorder was killed"):
        resync(path)
    long_ago = time.time() - LONG_AGO_S
    os.utime(path, (long_ago, long_ago))
    live_ns = columns(path)[1]
    found = resync(path)
    time_ns, bound_ns = columns(path)
    assert found.bound_ms < found.bound_before_ms == live_ns.max() / 1e6
    assert (np.abs(time_ns - MADE.truth_ns) <= bound_ns).all()
    with Session(path) as session:
        assert not session.complete


def test_a_recorder_at_work_is_left_alone(tmp_path):
    with write_recording(tmp_path / "S01-20260101T090000Z.h5", closed=False) as writer:
        before = writer.path.read_bytes()
        with pytest.raises(SessionError, match="expected a recording that has ended"):
            resync(writer.path)
        assert writer.path.read_bytes() == before


@pytest.mark.parametrize("failing", [1, 2, 3])
def test_a_crash_never_leaves_a_new_time_beside_an_old_bound(path, monkeypatch, failing):
    """The plug is pulled at each of the three times that the disk is told to be done."""
    old_ns = columns(path)[0]
    calls = []

    def fsync(descriptor):
        calls.append(descriptor)
        if len(calls) == failing:
            raise OSError(5, "Input/output error")

    monkeypatch.setattr(resync_module.os, "fsync", fsync)
    with pytest.raises(SessionError, match="synchronise it again"):
        resync(path)
    monkeypatch.undo()
    time_ns, bound_ns = columns(path)
    if failing < 3:
        assert (bound_ns == -1).all()
    assert ((time_ns == old_ns).all()) == (failing == 1)
    assert resync(path).unbounded == 0
    assert (np.abs(columns(path)[0] - MADE.truth_ns) <= columns(path)[1]).all()


def test_a_dry_run_says_the_same_and_writes_nothing(path):
    before = path.read_bytes()
    told = resync(path, dry_run=True)
    assert path.read_bytes() == before
    assert resync(path) == told


def test_an_older_file_without_the_host_s_second_clock_is_placed_too(path):
    with h5py.File(path, "r+") as file:
        del file[layout.CLOCKS]
    assert resync(path).unbounded == 0
    time_ns, bound_ns = columns(path)
    assert (np.abs(time_ns - MADE.truth_ns) <= bound_ns).all()


def test_columns_in_one_piece_are_rewritten_too(path):
    with h5py.File(path, "r+") as file:
        old = file[layout.PPG_TIME][:]
        del file[layout.PPG_TIME]
        file.create_dataset(layout.PPG_TIME, data=old)
    resync(path)
    time_ns, bound_ns = columns(path)
    assert (np.abs(time_ns - MADE.truth_ns) <= bound_ns).all()


def test_compressed_columns_are_refused_untouched(path):
    with h5py.File(path, "r+") as file:
        old = file[layout.PPG_TIME][:]
        del file[layout.PPG_TIME]
        file.create_dataset(layout.PPG_TIME, data=old, chunks=(64,), compression="gzip")
    before = path.read_bytes()
    with pytest.raises(SessionError, match="expected no filter, found number 1"):
        resync(path)
    assert path.read_bytes() == before


def test_rates_that_are_none_are_refused(path):
    with h5py.File(path, "r+") as file:
        file["ppg"].attrs["tick_hz"] = 0
    with pytest.raises(SessionError, match="tick_hz 0"):
        resync(path)


def test_the_verb_says_before_and_after_and_what_to_do(acq_here, path):
    said = acq_here("resync", path).stdout
    assert "S01-20260101T090000Z: within" in said
    assert "split" not in said                                   # there is none
    again = acq_here("resync", path).stdout
    assert f"0 of {len(MADE.ticks)} samples changed" in again
    assert "split" not in again


def test_a_split_that_lists_what_changed_is_named_and_another_is_not(acq_here, tmp_path):
    folder = data_folder.sessions_dir(tmp_path) / "S01"
    path = write_recording(folder / "S01-20260101T090000Z.h5").path
    before, split = path.read_bytes(), data_folder.split_file(tmp_path)
    for listed in ("S01-20260101T090000Z", "S01-20260102T090000Z"):
        path.write_bytes(before)
        sessions = [
            SessionIdentity(
                session, subject, f"{session}.h5", "0" * 64, simulated=False, complete=True
            )
            for session, subject in ((listed, "S01"), ("S02-20260101T090000Z", "S02"))
        ]
        write_split(split_by_subject(sessions, holdout=["S02"]), split, force=True)
        said = acq_here("resync", path).stdout
        assert (f"make {split}, which lists it, anew" in said) == (listed == path.stem)


def test_a_bad_file_keeps_no_other_from_being_placed(acq_here, path, tmp_path):
    done = acq_here("resync", tmp_path / "none.h5", path, tmp_path)
    assert done.returncode == 1
    assert "S01-20260101T090000Z: within" in done.stdout
    assert ["found nothing" in line for line in done.stderr.splitlines()] == [True, False]
    assert resync(path).changed == 0
