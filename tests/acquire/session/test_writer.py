"""A real HDF5 file, written, followed, killed and filled."""

import os
import signal
import subprocess
import sys
import time

import h5py
import hdf5plugin  # noqa: F401 - registers the filter that the frames are stored with
import numpy as np
import pytest

from acquire import layout
from acquire.camera.source import CameraInfo
from acquire.errors import SessionError
from acquire.session.writer import SessionWriter
from tests.support import REPO
from tests.support.session_writing import numbered_frame, numbered_sample, open_writer


@pytest.mark.parametrize("pixel_format", ["I420", "RGB"])
def test_what_was_written_is_read_bit_by_bit(tmp_path, pixel_format):
    info = CameraInfo("fake", 64, 48, 25.0, pixel_format, "start of exposure")
    with open_writer(tmp_path / "a.h5", info) as writer:
        for i in range(10):
            writer.add_frame(numbered_frame(i, info))
            writer.add_sample(**numbered_sample(i))
        writer.add_event(7, "kind", "wörds " * 60)
        writer.close(complete=True)
    with h5py.File(tmp_path / "a.h5", "r") as file:
        assert file.attrs["complete"]
        for i in range(10):
            assert (file[layout.FRAMES][i] == numbered_frame(i, info).image).all()
        assert file[layout.PPG_VALUE][:].tolist() == list(range(10))
        time_ns, kind, text = file[layout.EVENTS][0]
        assert (time_ns, kind) == (7, b"kind")
        assert text.decode().startswith("wörds wörds")


def test_every_name_of_the_layout_is_in_the_file(tmp_path):
    with open_writer(tmp_path / "a.h5") as writer:
        writer.close(complete=True)
    with h5py.File(tmp_path / "a.h5", "r") as file:
        assert {
            *layout.COLUMNS, layout.FRAMES, layout.EXCHANGES, layout.CLOCKS, layout.EVENTS,
        } <= set(_names(file))
        assert set(file.attrs) == {*layout.ATTRS, *layout.LOSS_ATTRS}
        assert set(file[layout.FRAMES].attrs) == set(layout.VIDEO_ATTRS)
        assert set(file["ppg"].attrs) == set(layout.PPG_ATTRS)
        for name, dtype in layout.COLUMNS.items():
            assert file[name].dtype == dtype


def _names(group):
    names = []
    group.visit(names.append)
    return names


def test_a_file_that_no_reader_could_open_yet_has_another_name(tmp_path, monkeypatch):
    names_while_created, create = [], SessionWriter._create

    def create_and_list(self, *args):
        create(self, *args)
        names_while_created.extend(path.name for path in tmp_path.iterdir())

    monkeypatch.setattr(SessionWriter, "_create", create_and_list)
    with open_writer(tmp_path / "a.h5") as writer:
        assert names_while_created == ["a.part"]
        assert [path.name for path in tmp_path.iterdir()] == ["a.h5"]
        writer.add_sample(**numbered_sample(0))
        writer.flush()
        with h5py.File(tmp_path / "a.h5", "r", swmr=True) as file:
            assert len(file[layout.PPG_VALUE]) == 1


def test_an_unclosed_recording_is_not_complete(tmp_path):
    with open_writer(tmp_path / "a.h5"):
        pass
    with h5py.File(tmp_path / "a.h5", "r") as file:
        assert not file.attrs["complete"]


def test_a_file_that_is_there_is_not_overwritten(tmp_path):
    (tmp_path / "a.h5").write_text("precious")
    with pytest.raises(SessionError, match="already there"):
        open_writer(tmp_path / "a.h5")
    assert (tmp_path / "a.h5").read_text() == "precious"


_WRITE_FOREVER = """
import sys, time
from pathlib import Path
from tests.support.session_writing import numbered_frame, numbered_sample, open_writer
writer = open_writer(Path({path!r}))
i = 0
while True:
    writer.add_frame(numbered_frame(i)); writer.add_sample(**numbered_sample(i)); i += 1
    if i % 5 == 0:
        writer.flush(); print(i, flush=True)
"""


@pytest.mark.parametrize("attempt", range(4))
def test_sigkill_loses_nothing_that_was_flushed(tmp_path, attempt):
    path = tmp_path / "killed.h5"
    process = subprocess.Popen(
        [sys.executable, "-c", _WRITE_FOREVER.format(path=str(path))], cwd=REPO,
        stdout=subprocess.PIPE, text=True,
    )
    assert process.stdout.readline()
    time.sleep(0.1 + 0.13 * attempt)
    os.kill(process.pid, signal.SIGKILL)
    flushed = int(([line for line in process.communicate()[0].splitlines() if line] or ["5"])[-1])
    with h5py.File(path, "r", swmr=True) as file:
        assert not file.attrs["complete"]
        assert len(file[layout.FRAMES]) >= flushed
        assert len(file[layout.PPG_VALUE]) >= flushed
        for i in range(flushed):
            assert (file[layout.FRAMES][i] == numbered_frame(i).image).all()
        assert (file[layout.PPG_VALUE][:flushed] == np.arange(flushed)).all()


_WRITE_ROWS = """
import os, sys
from pathlib import Path
from tests.support.session_writing import numbered_sample, open_writer
def rss(): return int(open("/proc/self/statm").read().split()[1]) * os.sysconf("SC_PAGE_SIZE")
with open_writer(Path({path!r})) as writer:
    for i in range(60_000):
        writer.add_sample(**numbered_sample(i % 65_536)); writer.add_clocks(i, i)
        if i % 100 == 99:
            writer.flush()
        if i == 10_000:
            before = rss()
    print(rss() - before)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_memory_stays_flat_while_rows_are_written(tmp_path):
    """Ten minutes at 100 Hz; unbounded, HDF5 would keep the first MB of every column."""
    code = _WRITE_ROWS.format(path=str(tmp_path / "a.h5"))
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=REPO, capture_output=True, text=True, check=True
    )
    assert int(done.stdout) < 1e6
