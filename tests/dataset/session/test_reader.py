"""What the writer wrote is what the reader gives; a bad file is one clear line."""

import os
import re
import signal
import subprocess
import sys
import textwrap
from pathlib import Path

import cv2
import h5py
import hdf5plugin
import numpy as np
import pytest

from acquire import layout
from acquire.camera.source import CameraInfo, VideoFrame
from acquire.errors import SessionError
from acquire.session.writer import SessionWriter
from dataset.session.reader import Session, count_lost
from tests.support import REPO
from tests.support.fakes import HELLO
from tests.support.made_sessions import (
    HEIGHT,
    START_NS,
    WIDTH,
    frame_times,
    make_session,
    picture,
    pulse,
    sample_times,
)

pytestmark = pytest.mark.real_time


@pytest.fixture
def path(tmp_path):
    return make_session(tmp_path, seconds=1.0)


def test_streams_come_back_as_they_were_written(path):
    with Session(path) as session:
        assert (session.frame_time_ns == frame_times(30)).all()
        assert (session.frame_arrival_ns == frame_times(30) + 30_000_000).all()
        assert (session.frame_sequence == np.arange(30)).all()
        assert (session.ppg == np.round(pulse(sample_times(26)))).all()
        assert (session.ppg_time_ns == sample_times(26)).all()
        assert (session.ppg_bound_ns == 700_000).all()
        assert session.exchanges["recv_ns"].tolist() == [START_NS + 1_000_000]
        assert [(e.kind, e.text) for e in session.events] == [("started", "by a test")]


def test_header_and_summary(path):
    with Session(path) as session:
        assert (session.subject, session.session_id) == ("S01", "S01-20260101T090001Z")
        assert session.complete
        assert not session.simulated
        assert (session.lost_frames, session.lost_samples) == (0, 0)
        assert session.sync_bound_ms == 0.7
        assert session.fps == pytest.approx(30.0, rel=0.01)
        assert session.duration_s == pytest.approx(1.0, abs=0.01)


@pytest.mark.parametrize("pixel_format", ["I420", "RGB"])
def test_frames_are_rgb_lazy_and_a_sequence(tmp_path, pixel_format):
    path = make_session(tmp_path, seconds=0.5, pixel_format=pixel_format)
    with Session(path) as session:
        raw = picture(3, session.frames.stored_shape)
        rgb = raw if pixel_format == "RGB" else cv2.cvtColor(raw, cv2.COLOR_YUV2RGB_I420)
        assert len(session.frames) == 15
        assert (session.frames.raw(3) == raw).all()
        assert (session.frames[3] == rgb).all()
        assert (session.frames[-12] == rgb).all()
        assert (session.frames[2:5][1] == rgb).all()
        assert (list(session.frames)[3] == rgb).all()
        assert (
            session.frames.read_into(3, np.empty((HEIGHT, WIDTH, 3), np.uint8), bgr=True)
            == rgb[..., ::-1]
        ).all()
        with pytest.raises(IndexError):
            session.frames[15]


def test_red_is_red(tmp_path):
    """Full-range red in BT.601 limited range: Y 81, U 90, V 240."""
    path = tmp_path / "a.h5"
    info = CameraInfo("fake", 4, 4, 30.0, "I420", "arrival")
    red = (
        np.concatenate([np.full(16, 81), np.full(4, 90), np.full(4, 240)])
        .astype(np.uint8)
        .reshape(6, 4)
    )
    with SessionWriter(
        path, session_id="S01-x", subject="S01", camera=info, hello=HELLO, port="p",
        started_unix_ns=0, started_monotonic_ns=0, simulated=True,
    ) as writer:
        writer.add_frame(VideoFrame(red, 1, 1, 0))
        writer.close(complete=True)
    with Session(path) as session:
        assert np.abs(session.frames[0].astype(int) - (255, 0, 0)).max() <= 2


@pytest.mark.parametrize(
    ("sequence", "lost"),
    [
        ([], 0), ([0, 1, 2], 0), ([2, 3], 2), ([0, 1, 5, 6, 9], 5), ([0, 1, 2, 0, 1], 0),
        ([0, 1, 2, 3, 2], 2),
    ],
    ids=[
        "empty", "whole", "first ones missing", "two holes", "restarted",
        "restarted, first ones missing",
    ],
)
def test_losses_are_counted_from_the_sequence(sequence, lost):
    assert count_lost(np.array(sequence, np.int64)) == lost


def test_lost_frames_and_samples(tmp_path):
    with Session(
        make_session(tmp_path, lost_frames={0, 1, 50}, lost_samples={7, 8, 9, 100})
    ) as session:
        assert (session.lost_frames, session.lost_samples) == (3, 4)


def test_bound_unknown(tmp_path):
    with Session(make_session(tmp_path, seconds=1.0, bound_ns=-1)) as session:
        assert session.sync_bound_ms is None
        assert session.unbounded_samples == len(session.ppg)


def test_some_bounds_unknown(path):
    with h5py.File(path, "r+") as file:
        file[layout.PPG_BOUND][:3] = -1
    with Session(path) as session:
        assert (session.sync_bound_ms, session.unbounded_samples) == (0.7, 3)


def test_a_killed_recording_is_read_up_to_where_it_is_whole(tmp_path):
    path = tmp_path / "a.h5"
    code = textwrap.dedent(f"""
        import time
        from tests.support.made_sessions import *
        writer = SessionWriter(
            Path({str(path)!r}), session_id="S01-x", subject="S01",
            camera=CameraInfo("f", WIDTH, HEIGHT, 30.0, "I420", "arrival"),
            hello=HELLO, port="p", started_unix_ns=0, started_monotonic_ns=0, simulated=False)
        for i in range(40):
            writer.add_frame(VideoFrame(picture(i), i, i, i))
            writer.add_sample(
                sequence=i, ticks=i, value=i, flags=0, arrival_ns=i, time_ns=i, bound_ns=-1)
            if i == 29:
                writer.flush()
        print("ready", flush=True)
        time.sleep(60)
    """)
    with subprocess.Popen(
        [sys.executable, "-c", code], cwd=REPO, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        with Session(path) as live:
            assert len(live.frames) >= 30
        os.kill(process.pid, signal.SIGKILL)
    with Session(path) as session:
        assert not session.complete
        assert len(session.frames) == len(session.frame_time_ns) == 30
        assert len(session.ppg) == len(session.ppg_flags) == 30
        assert (session.frames.raw(29) == picture(29)).all()


def test_columns_of_unequal_length_are_cut_to_the_common_part(path):
    with h5py.File(path, "r+") as file:
        file[layout.FRAME_SEQUENCE].resize(20, axis=0)
        file[layout.PPG_BOUND].resize(11, axis=0)
    with Session(path) as session:
        assert len(session.frames) == len(session.frame_time_ns) == 20
        assert len(session.ppg) == len(session.ppg_time_ns) == 11


def test_the_hash_sees_every_change_and_nothing_else(tmp_path):
    def content(path):
        with Session(path) as session:
            return session.content_hash()

    path = make_session(tmp_path / "a", seconds=1.0)
    original = content(path)
    assert content(make_session(tmp_path / "b", seconds=1.0)) == original
    for change in (
        lambda file: file[layout.PPG_VALUE].__setitem__(5, 1),
        lambda file: file[layout.FRAME_TIME].__setitem__(5, 1),
        lambda file: file.attrs.modify("subject", "S02"),
        lambda file: file.attrs.modify("lost_frames", 7),
        add_a_clock_reading,
        *(lambda file, at=at: change_a_byte(file[layout.FRAMES].id, at) for at in range(30)),
        lambda file: file[layout.FRAMES].resize(29, axis=0),
    ):
        before = path.read_bytes()
        with h5py.File(path, "r+") as file:
            change(file)
        assert content(path) != original
        path.write_bytes(before)


def add_a_clock_reading(file):
    file[layout.CLOCKS].resize(len(file[layout.CLOCKS]) + 1, axis=0)
    file[layout.CLOCKS][-1] = (5, 5)


def change_a_byte(frames, at):
    """Change frame `at` and leave its stored size as it is."""
    mask, stored = frames.read_direct_chunk((at, 0, 0))
    frames.write_direct_chunk((at, 0, 0), stored[:-1] + bytes([stored[-1] ^ 1]), mask)


def replace_dataset(file, name, **kwargs):
    attrs = dict(file[name].attrs)
    del file[name]
    file.create_dataset(name, **kwargs).attrs.update(attrs)


def delete(name):
    return lambda file: file.__delitem__(name)


def link_out(file):
    del file[layout.PPG_VALUE]
    file[layout.PPG_VALUE] = h5py.ExternalLink("/etc/passwd", "/x")


def link_group_out(file):
    """To a group that is there and would do."""
    with h5py.File(Path(file.filename).with_name("other.h5"), "w") as other:
        file.copy("ppg", other)
    del file["ppg"]
    file["ppg"] = h5py.ExternalLink("other.h5", "/ppg")


def odd_height(file):
    replace_dataset(
        file, layout.FRAMES, data=np.zeros((30, 34, WIDTH), "u1"), chunks=(1, 34, WIDTH)
    )
    file[layout.FRAMES].attrs.modify("height", 23)


def soft_link(file):
    del file[layout.PPG_VALUE]
    file[layout.PPG_VALUE] = h5py.SoftLink("/ppg/ticks")


def external_storage(file):
    replace_dataset(
        file, layout.PPG_VALUE, shape=(10,), dtype="u2", external=[("/etc/passwd", 0, 20)]
    )


def virtual(file):
    source = h5py.VirtualSource("other.h5", "x", shape=(10,), dtype="u2")
    target = h5py.VirtualLayout((10,), "u2")
    target[:] = source
    del file[layout.PPG_VALUE]
    file.create_virtual_dataset(layout.PPG_VALUE, target)


def unknown_filter(file):
    shape = (30, 36, 32)
    made = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
    made.set_chunk((1, 36, 32))
    made.set_filter(306, h5py.h5z.FLAG_OPTIONAL, ())
    attrs = dict(file[layout.FRAMES].attrs)
    del file[layout.FRAMES]
    h5py.h5d.create(
        file.id, layout.FRAMES.encode(), h5py.h5t.NATIVE_UINT8, h5py.h5s.create_simple(shape),
        dcpl=made,
    )
    file[layout.FRAMES].attrs.update(attrs)


def drop_last_chunk(file):
    attrs = dict(file[layout.FRAMES].attrs)
    frames = file[layout.FRAMES][:-1]
    del file[layout.FRAMES]
    new = file.create_dataset(
        layout.FRAMES, shape=(30, *frames.shape[1:]), chunks=(1, *frames.shape[1:]), dtype="u1",
        **hdf5plugin.Htj2k(),
    )
    new[:-1] = frames
    new.attrs.update(attrs)


@pytest.mark.parametrize(
    ("damage", "says"),
    [
        pytest.param(
            lambda f: f.attrs.modify("schema", "other"),
            "expected schema acq-session, found 'other'", id="schema",
        ),
        pytest.param(
            lambda f: f.attrs.modify("schema_version", 9), "expected session format 1, found 9",
            id="version",
        ),
        pytest.param(lambda f: f.attrs.__delitem__("subject"), "found no subject", id="no subject"),
        pytest.param(
            lambda f: f.attrs.modify("subject", "../S01"), "expected a subject id",
            id="hostile subject",
        ),
        pytest.param(
            lambda f: f.attrs.modify("session_id", "[/v2]"), "expected a session id",
            id="hostile session id",
        ),
        pytest.param(
            lambda f: f.attrs.__setitem__("host", [1, 2]), "an attribute that is not one value",
            id="array attribute",
        ),
        pytest.param(
            lambda f: f["ppg"].attrs.__setitem__("port", [1]), "an attribute that is not one value",
            id="array of one",
        ),
        pytest.param(
            lambda f: f.attrs.__setitem__("started_unix_ns", 1e30),
            "started_unix_ns as nanoseconds", id="late",
        ),
        pytest.param(odd_height, "even for I420, found 32 and 23", id="odd I420"),
        pytest.param(delete(layout.FRAMES), "expected /video/frames, found none", id="no frames"),
        pytest.param(delete(layout.PPG_TIME), "expected /ppg/time_ns, found none", id="no times"),
        pytest.param(delete("ppg"), "expected /ppg, found none", id="no group"),
        pytest.param(delete("sync"), "expected /sync/exchanges, found none", id="no exchanges"),
        pytest.param(
            lambda f: f["ppg"].attrs.__delitem__("tick_hz"), "found no tick_hz", id="no tick rate"
        ),
        pytest.param(
            lambda f: f[layout.FRAMES].attrs.modify("pixel_format", "MJPG"),
            "expected frames as I420 or RGB", id="pixels",
        ),
        pytest.param(
            lambda f: f[layout.FRAMES].attrs.modify("width", 34),
            "expected I420 frames of shape (36, 34)", id="width",
        ),
        pytest.param(
            lambda f: replace_dataset(f, layout.FRAME_TIME, data=np.zeros(30)),
            "one column of int64, found float64", id="dtype",
        ),
        pytest.param(link_out, "a link that is not followed, /ppg/value", id="external link"),
        pytest.param(link_group_out, "a link that is not followed, /ppg, in", id="external group"),
        pytest.param(soft_link, "a link that is not followed", id="soft link"),
        pytest.param(external_storage, "found it stored in another", id="external storage"),
        pytest.param(virtual, "found it stored in another", id="virtual dataset"),
        pytest.param(
            unknown_filter, "expected one filter, HTJ2K, found number 306",
            id="missing filter",
        ),
        pytest.param(
            drop_last_chunk, "expected 30 stored frames, found 29", id="a frame without pixels"
        ),
    ],
)
def test_a_bad_file_is_one_line(path, damage, says):
    with h5py.File(path, "r+") as file:
        damage(file)
    assert_refused(path, says)


@pytest.mark.parametrize(
    ("content", "says"),
    [
        pytest.param(None, "found nothing", id="missing"),
        pytest.param(b"", "found an empty file", id="empty"),
        pytest.param(b"RIFF....AVI ", "found 12 bytes that are not HDF5", id="not HDF5"),
    ],
)
def test_not_a_session(tmp_path, content, says):
    path = tmp_path / "a.h5"
    if content is not None:
        path.write_bytes(content)
    assert_refused(path, says)


def test_a_folder_is_not_a_session(tmp_path):
    assert_refused(tmp_path, "found a folder")


@pytest.mark.parametrize("part", [0.02, 0.3, 0.9])
def test_a_file_cut_short(path, part):
    whole = path.read_bytes()
    path.write_bytes(whole[: int(len(whole) * part)])
    assert_refused(path, "cut short|restore")


@pytest.mark.parametrize("part", [0.02, 0.05, 0.3, 0.6, 0.95])
def test_a_killed_file_cut_short_does_not_hang(path, part):
    """Its flags say that a writer has it, so HDF5 would wait for that writer for ever."""
    never_closed(path)
    whole = path.read_bytes()
    path.write_bytes(whole[: int(len(whole) * part)])
    with pytest.raises(SessionError, match="cut short"):
        Session(path, wait_s=3.0)


def never_closed(path):
    """Set the flags that a killed writer leaves."""
    with h5py.File(path, "r+", libver="latest") as file:
        file.swmr_mode = True
        file.flush()
        whole = path.read_bytes()
    path.write_bytes(whole)


def test_a_file_that_was_never_closed_runs_nothing_of_the_folder_it_is_opened_in(
    path, tmp_path, monkeypatch
):
    (tmp_path / "dataset.py").write_text("open('ran', 'w')")
    never_closed(path)
    monkeypatch.chdir(tmp_path)
    Session(path).close()
    assert not (tmp_path / "ran").exists()


def test_a_file_that_was_never_closed_and_fails_in_the_trial_is_not_opened(path):
    with h5py.File(path, "r+") as file:
        file.attrs.modify("schema_version", 9)
    never_closed(path)
    with pytest.raises(
        SessionError, match=r"never closed and does not .*expected session format 1, found 9"
    ):
        Session(path)


def test_a_frame_that_does_not_decode(path):
    with h5py.File(path, "r+") as file:
        file[layout.FRAMES].id.write_direct_chunk((4, 0, 0), b"not a picture")
    with Session(path) as session:
        session.frames[3]
        with pytest.raises(
            SessionError, match=r"expected frame 4 of 30, found bytes that do not decode"
        ):
            session.frames[4]


def test_close_twice(path):
    session = Session(path)
    session.close()
    session.close()


def assert_refused(path, says):
    with pytest.raises(SessionError) as caught:
        Session(path)
    text = str(caught.value)
    assert re.search(says if "|" in says else re.escape(says), text), text
    assert "\n" not in text
    assert str(path) in text


def test_a_file_that_may_not_be_read_is_not_called_damaged(tmp_path, monkeypatch):
    def refuse(_):
        raise PermissionError(13, "Permission denied")

    path = make_session(tmp_path, seconds=1.0)
    monkeypatch.setattr("h5py.is_hdf5", refuse)
    with pytest.raises(SessionError, match=r"^expected a readable file, found no permission in "):
        Session(path)
