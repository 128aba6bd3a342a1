"""What the writer wrote is what the reader gives."""

import os
import signal
import subprocess
import sys
import textwrap

import cv2
import h5py
import numpy as np
import pytest

from acquire import layout
from acquire.camera.source import CameraInfo, VideoFrame
from acquire.errors import SessionError
from acquire.session.writer import SessionWriter
from dataset.recovery.recover import recover
from dataset.session.reader import Session, count_lost, most_frames
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
        if pixel_format == "RGB":               # which is read into `out` itself
            memory = np.full(rgb.size, 9, np.uint8)
            with pytest.raises(ValueError, match="for a frame of"):
                session.frames.read_into(3, memory[:48].reshape(4, 4, 3))
            assert (memory == 9).all()


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


@pytest.mark.parametrize(
    ("short", "rows", "long"),
    [
        (layout.FRAME_SEQUENCE, 20, layout.FRAMES), (layout.FRAMES, 20, layout.FRAME_TIME),
        (layout.PPG_BOUND, 11, layout.PPG_VALUE), (layout.PPG_VALUE, 11, layout.PPG_SEQUENCE),
    ],
)
def test_columns_of_unlike_length_in_a_closed_file_are_refused(path, short, rows, long):
    with h5py.File(path, "r+") as file:
        count = len(file[long])
        file[short].resize(rows, axis=0)
    with pytest.raises(SessionError) as error:
        Session(path)
    assert error.value.expected == f"as many rows of /{short} as of /{long}, {count}"
    assert error.value.found == f"{rows}"
    recovered = recover(path)
    assert recovered is not None
    assert count - rows in (recovered.dropped_frames, recovered.dropped_samples)
    with Session(path) as session:
        assert rows in (len(session.frames), len(session.ppg))
        assert not session.complete


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
        drop_the_last_frame,
    ):
        before = path.read_bytes()
        with h5py.File(path, "r+") as file:
            change(file)
        assert content(path) != original
        path.write_bytes(before)


def drop_the_last_frame(file):
    for dataset in file["video"].values():
        dataset.resize(29, axis=0)


def add_a_clock_reading(file):
    file[layout.CLOCKS].resize(len(file[layout.CLOCKS]) + 1, axis=0)
    file[layout.CLOCKS][-1] = (5, 5)


def change_a_byte(frames, at):
    """Change frame `at` and leave its stored size as it is."""
    mask, stored = frames.read_direct_chunk((at, 0, 0))
    frames.write_direct_chunk((at, 0, 0), stored[:-1] + bytes([stored[-1] ^ 1]), mask)


def test_close_twice(path):
    session = Session(path)
    session.close()
    session.close()


def test_the_frames_of_the_longest_recording_that_opens(path, tmp_path):
    longer = make_session(tmp_path, "S02", seconds=2.0)
    damaged = tmp_path / "S03.h5"
    damaged.write_bytes(longer.read_bytes()[:9000])
    with Session(longer) as session:
        expected = len(session.frames)
    assert most_frames([path, longer, damaged, tmp_path / "gone.h5"]) == expected > 0
    assert most_frames([]) == 0
