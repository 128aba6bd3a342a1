"""A session is read by what a lab has: Debian's HDF5 tools, and the oldest libraries we name."""

import hashlib
import json
import os
import re
import shutil
import subprocess

import h5py
import hdf5plugin  # noqa: F401 - registers the filter that the frames are stored with
import numpy as np
import pytest

from acquire import layout
from acquire.session.stream_table import StreamHeader
from acquire.session.writer import SessionWriter
from dataset.recovery.recover import recover
from dataset.session.reader import Session
from tests.support import REPO
from tests.support.made_sessions import make_session

OLDEST = REPO / ".venv-oldest/bin/python"
HASH_ALL = """
import hashlib, json, sys
import h5py, hdf5plugin
found = {}
with h5py.File(sys.argv[1], "r", swmr=sys.argv[2] == "swmr") as file:
    file.visititems(lambda name, item: found.update(
        {name: hashlib.sha256(item[()].tobytes()).hexdigest()}
        if isinstance(item, h5py.Dataset) else {}))
    found["attributes"] = sorted(file.attrs) + sorted(file["video/frames"].attrs)
print(json.dumps(found))
"""
READ_SESSION = """
import sys
from dataset.session.reader import Session
with Session(sys.argv[1], wait_s=0) as session:
    print(session.content_hash())
"""
WRITE_SESSION = """
import sys
from pathlib import Path
from tests.support.made_sessions import make_session
print(make_session(Path(sys.argv[1]), seconds=42, raw_frames=(3, 4)))
"""


@pytest.fixture(scope="module")
def recorded(tmp_path_factory):
    """A session with more rows than a chunk, frames compressed and raw: closed, and as a writer
    leaves it that is killed before it closes it.
    """
    unclosed, close = [], SessionWriter._write_end

    def keep_unclosed(writer, attrs):
        writer.flush()
        unclosed.append(writer.path.read_bytes())
        close(writer, attrs)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(SessionWriter, "_write_end", keep_unclosed)
        closed = make_session(tmp_path_factory.mktemp("closed"), seconds=42, raw_frames=(3, 4))
    killed = tmp_path_factory.mktemp("killed") / closed.name
    killed.write_bytes(unclosed[0])
    os.utime(killed, (1, 1))                   # nobody has written to it for long
    return closed, killed


@pytest.fixture
def closed(recorded):
    return recorded[0]


@pytest.fixture
def killed(recorded):
    return recorded[1]


def run_oldest(code, *words):
    """Run a program with the oldest libraries, in a process of their own."""
    if not OLDEST.exists():
        pytest.skip("needs the oldest libraries: make .venv-oldest/.installed")
    done = subprocess.run(
        [OLDEST, "-c", code, *map(str, words)], capture_output=True, text=True, check=False,
        cwd=REPO,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def need_tools():
    for tool in ("h5ls", "h5dump", "h5clear"):
        if shutil.which(tool) is None:
            pytest.skip(f"no {tool}; apt-get install hdf5-tools")


def tool(*words, cwd=None):
    done = subprocess.run(
        [*map(str, words)], capture_output=True, text=True, check=False, cwd=cwd
    )
    return done.returncode, done.stdout, done.stderr


def hash_here(path, mode="plain"):
    found = {}
    with h5py.File(path, "r", swmr=mode == "swmr") as file:
        file.visititems(
            lambda name, item: found.update(
                {name: hashlib.sha256(item[()].tobytes()).hexdigest()}
                if isinstance(item, h5py.Dataset)
                else {}
            )
        )
        found["attributes"] = sorted(file.attrs) + sorted(file["video/frames"].attrs)
    return found


def test_the_tools_of_debian_read_every_dataset(closed):
    need_tools()
    code, listed, errors = tool("h5ls", "-r", closed)
    assert (code, errors) == (0, "")
    assert "ERROR" not in listed
    for name in (layout.FRAMES, *layout.COLUMNS, layout.EXCHANGES, layout.CLOCKS, layout.EVENTS):
        assert re.search(rf"^/{name} +Dataset ", listed, flags=re.M)
    with Session(closed) as session:
        for name, values in (
            (layout.PPG_VALUE, session.ppg), (layout.PPG_TIME, session.ppg_time_ns),
            (layout.FRAME_SEQUENCE, session.frame_sequence),
        ):
            code, dumped, errors = tool("h5dump", "-y", "-w", "1", "-d", f"/{name}", closed)
            assert (code, errors) == (0, "")
            numbers = re.search(r"DATA \{(.*?)\}", dumped, flags=re.S)[1]
            assert np.array_equal(np.array(re.findall(r"\d+", numbers), dtype=np.int64), values)
        raw = session.frames.raw(3)
    # the tools of Debian have no such filter, and need none for a frame that is stored raw
    words = ["h5dump", "-y", "-w", "1", "-d", "/video/frames", "-s", "3,0,0", "-c"]
    code, dumped, _ = tool(*words, f"1,{raw.shape[0]},{raw.shape[1]}", closed)
    numbers = re.search(r"DATA \{(.*?)\}", dumped, flags=re.S)[1]
    assert np.array_equal(np.array(re.findall(r"\d+", numbers), np.uint8), raw.ravel())
    assert tool("h5dump", "-H", closed)[0] == 0


@pytest.mark.parametrize("made", ["closed", "killed"])
def test_the_oldest_libraries_read_the_same_as_the_newest(made, request):
    path = request.getfixturevalue(made)
    mode = "plain" if made == "closed" else "swmr"
    assert json.loads(run_oldest(HASH_ALL, path, mode)) == hash_here(path, mode)
    with Session(path) as session:
        assert run_oldest(READ_SESSION, path) == session.content_hash()


def test_streams_beside_take_nothing_from_a_reader_that_does_not_know_them(tmp_path):
    """All that such a reader opens by its name is there as without them; the oldest libraries read
    both.
    """
    streams = (
        StreamHeader("marks", "marks", "Markers", 0, 0.0, "one"),
        StreamHeader("eeg", "eeg", "EEG", 2, 50.0, "two"),
    )
    with_them = make_session(tmp_path / "with", seconds=1, streams=streams)
    without, found = hash_here(make_session(tmp_path / "without", seconds=1)), hash_here(with_them)
    added = {name for name in found if name not in without}
    assert added == {name for stream in streams for name in stream.tables}
    assert {name: found[name] for name in without} == without
    with Session(with_them) as session:
        assert session.streams["marks"].values[0] == "a mark"
        assert run_oldest(READ_SESSION, with_them) == session.content_hash()
    assert json.loads(run_oldest(HASH_ALL, with_them, "plain")) == found


def test_what_the_oldest_libraries_write_is_the_same_recording(closed, tmp_path):
    path = run_oldest(WRITE_SESSION, tmp_path)
    assert hash_here(path) == hash_here(closed)


def test_a_recovered_recording_is_read_like_any_other(killed, tmp_path):
    path = tmp_path / killed.name
    shutil.copy2(killed, path)
    assert recover(path) is not None
    if shutil.which("h5ls"):
        code, listed, _ = tool("h5ls", "-r", path)
        assert (code, "ERROR" in listed) == (0, False)
    assert json.loads(run_oldest(HASH_ALL, path, "plain")) == hash_here(path)


def test_a_killed_recording_is_read_without_acq_as_the_page_says(killed, tmp_path):
    """Refused as it is; the lines of docs/format.md make a copy that every tool opens."""
    need_tools()
    assert tool("h5ls", killed)[0] != 0
    with pytest.raises(OSError, match="already open for write"):
        h5py.File(killed)
    page = (REPO / "docs/format.md").read_text()
    (lines,) = re.findall(r"^```sh\n(cp .*?)^```", page, flags=re.M | re.S)
    name = re.search(r"cp (\S+)", lines)[1]
    shutil.copy2(killed, tmp_path / name)
    code, dumped, errors = tool("sh", "-ec", lines, cwd=tmp_path)
    assert (code, errors) == (0, "")
    with Session(killed) as session:
        assert f"{session.ppg[-1]}\n" in dumped
    assert hash_here(tmp_path / "copy.h5") == hash_here(killed, "swmr")
