"""What kills, cuts and bad sectors leave of a recording whose every row is known."""

import os
import random
import threading
from dataclasses import replace
from pathlib import Path

import h5py
import hdf5plugin  # noqa: F401 - registers the filter that the frames are stored with
import numpy as np
import pytest

from acquire import layout
from acquire.camera.source import CameraInfo, VideoFrame
from acquire.errors import Fix, SessionError
from acquire.layout import BOOT_TICKS
from acquire.sensor.arrival import ArrivalTiming
from acquire.session.structure import RecordedWith
from acquire.session.writer import SessionWriter
from dataset.catalogue.row import read_row
from dataset.recovery.closed_view import lookup3
from dataset.recovery.recover import recover
from dataset.session.hdf5 import SILENT_S
from dataset.session.reader import Session
from dataset.session.summary import summarise_session
from tests.support.fakes import HELLO
from tests.support.made_sessions import START_NS, picture

CAMERA = CameraInfo("fake", 32, 24, 30.0, "I420", "start of exposure")
# more samples than one chunk holds; frames whose times were not flushed yet
SAMPLES, FRAMES, WRITTEN_LATE = 1100, 80, 3
PERIOD_NS = 40_000_000


def sample_ns(i):
    return START_NS + i * PERIOD_NS


@pytest.fixture(scope="module")
def recorded(tmp_path_factory):
    """The bytes of a recording when its process could be killed, some frames written and their
    times not; and once closed.
    """
    path = tmp_path_factory.mktemp("killed") / "S01-20260101T090000Z.h5"
    with SessionWriter(
        path, session_id=path.stem, subject="S01", camera=CAMERA, hello=HELLO, port="x",
        started_unix_ns=1, started_monotonic_ns=START_NS, simulated=True,
    ) as writer:
        frames = 0
        for i in range(SAMPLES):
            at_ns = sample_ns(i)
            ticks = (at_ns - START_NS) // 500
            writer.add_sample(
                sequence=i, ticks=ticks, value=i % 65536, flags=0, arrival_ns=at_ns + 30_000_000,
                time_ns=0, bound_ns=-1,
            )
            if i % 25 == 0:
                writer.add_exchange(at_ns - 300_000, ticks, ticks, at_ns + 300_000, i)
                writer.flush()
            while frames < FRAMES and frames * SAMPLES < i * FRAMES:
                add_frame(writer, frames)
                frames += 1
        writer.flush()
        for late in range(WRITTEN_LATE):
            add_frame(writer, FRAMES + late)
        writer.store.dataset.flush()
        killed = path.read_bytes()
        writer.close(complete=False)
    return killed, path.read_bytes()


@pytest.fixture(scope="module")
def killed(recorded):
    return recorded[0]


def add_frame(writer, i):
    at_ns = START_NS + i * 1_000_000_000
    writer.add_frame(VideoFrame(picture(i, CAMERA.image_shape), at_ns, at_ns + 5_000_000, i))


def place_recording(tmp_path, data):
    path = tmp_path / "S01-20260101T090000Z.h5"
    path.write_bytes(data)
    os.utime(path, (1, 1))                     # nobody has written to it for long
    return path


def check_contents(path):
    """Whatever is in it is what was recorded, from the beginning on."""
    with Session(path) as session:
        frames, samples = len(session.frames), len(session.ppg)
        assert session.ppg.tolist() == list(range(samples))
        assert (session.ppg_arrival_ns == sample_ns(np.arange(samples)) + 30_000_000).all()
        assert session.frame_sequence.tolist() == list(range(frames))
        for i in range(frames):
            assert (session.frames.raw(i) == picture(i, CAMERA.image_shape)).all()
        known = session.ppg_bound_ns >= 0
        assert (
            np.abs(session.ppg_time_ns - sample_ns(np.arange(samples)))[known]
            <= session.ppg_bound_ns[known]
        ).all()
        assert not session.complete
        return frames, samples


def test_a_killed_recording_becomes_a_clean_session(tmp_path, killed):
    path = place_recording(tmp_path, killed)
    found = recover(path)
    assert found is not None
    assert (found.frames, found.samples, found.dropped_frames, found.dropped_samples) == (
        FRAMES, SAMPLES, WRITTEN_LATE, 0,
    )
    assert check_contents(path) == (FRAMES, SAMPLES)
    assert Path(found.kept_as).read_bytes() == killed
    with Session(path) as session:
        assert (session.ppg_bound_ns >= 0).all()               # placed again: they were all unknown
        begun = f"3 of {found.frames + 3} frames and 0 of {found.samples} samples dropped"
        assert session.recovered.startswith(begun)
        assert "recovered" in session.ended
    assert "after its start, how much was planned is not known" in read_row(path)[0].ended
    with h5py.File(path) as file:                              # without SWMR: it was closed
        lengths = {name: len(file[name]) for name in (layout.FRAMES, *layout.COLUMNS)}
        assert set(lengths.values()) == {FRAMES, SAMPLES}
        assert file.attrs["lost_frames"] == file.attrs["lost_samples"] == 0
    assert sorted(tmp_path.iterdir()) == [path, Path(found.kept_as)]
    assert recover(path) is None


def test_one_cut_anywhere_gives_what_lies_before_the_cut(tmp_path, killed):
    rng, seen = random.Random(5), []
    for cut in sorted(rng.randrange(len(killed)) for _ in range(14)):
        path = place_recording(tmp_path, killed[:cut])
        try:
            found = recover(path)
        except SessionError:
            assert cut < 200_000  # the first chunk of every column lies before
            assert sorted(tmp_path.iterdir()) == [path]
            assert path.read_bytes() == killed[:cut]
            continue
        assert check_contents(path) == (found.frames, found.samples)
        assert found.frames + found.dropped_frames >= found.frames
        seen.append(found.frames)
        Path(found.kept_as).unlink()
    assert seen == sorted(seen)
    assert len(seen) > 5


def test_a_closed_session_that_was_cut_short_is_recovered_too(tmp_path, recorded):
    closed = recorded[1]
    path = place_recording(tmp_path, closed)
    assert recover(path) is None
    path.write_bytes(closed[: len(closed) * 6 // 10])
    with pytest.raises(SessionError):
        Session(path)
    found = recover(path)
    assert found is not None
    assert check_contents(path) == (found.frames, found.samples)
    assert found.frames + found.dropped_frames == FRAMES + WRITTEN_LATE
    assert 20 < found.frames < FRAMES


def test_a_frame_that_does_not_decode_is_a_counted_gap(tmp_path, killed):
    path = place_recording(tmp_path, killed)
    with h5py.File(path, "r", swmr=True) as file:
        chunk = file[layout.FRAMES].id.get_chunk_info_by_coord((50, 0, 0))
    with path.open("r+b") as file:
        file.seek(chunk.byte_offset)
        file.write(bytes(chunk.size))
    os.utime(path, (1, 1))
    found = recover(path)
    assert found is not None
    assert (found.frames, found.dropped_frames, found.lost_frames) == (
        FRAMES - 1, WRITTEN_LATE + 1, 1,
    )
    with Session(path) as session:
        assert session.frame_sequence.tolist() == [*range(50), *range(51, FRAMES)]
        assert (session.frames.raw(50) == picture(51, CAMERA.image_shape)).all()


def test_one_that_is_being_written_is_left_alone(tmp_path, killed):
    path = place_recording(tmp_path, killed)
    os.utime(path)

    def append():
        with path.open("ab") as file:
            file.write(b"more")

    grow = threading.Timer(0.1, append)
    grow.start()
    with pytest.raises(SessionError, match="being written"):
        recover(path)
    grow.join()
    assert list(tmp_path.iterdir()) == [path]


def test_what_is_no_session_or_empty_is_one_line(tmp_path):
    path = place_recording(tmp_path, b"not HDF5")
    with pytest.raises(SessionError, match="which is HDF5"):
        recover(path)
    with h5py.File(tmp_path / "other.h5", "w", libver="latest") as file:
        file["x"] = 1
    with (tmp_path / "other.h5").open("r+b") as file:
        file.seek(11)
        file.write(b"\5")
    os.utime(tmp_path / "other.h5", (1, 1))
    with pytest.raises(SessionError, match="expected schema acq-session"):
        recover(tmp_path / "other.h5")
    with h5py.File(tmp_path / "plain.h5", "w") as file:
        file["x"] = 1
    with pytest.raises(SessionError, match=r"HDF5 file of another kind.*is it a recording of acq"):
        recover(tmp_path / "plain.h5")


def test_the_command_says_what_it_dropped(acq_here, tmp_path, killed):
    path = place_recording(tmp_path, killed)
    told = acq_here("recover", path, "--quiet")
    assert told.returncode == 0, told.stderr
    assert f"recovered {path}: {FRAMES} frames, {SAMPLES} samples, sync within" in told.stdout
    assert "dropped 3 frames and 0 samples" in told.stdout
    assert f"closed, and all {FRAMES} frames decode" in acq_here("recover", path, "--quiet").stdout
    again = acq_here("recover", f"{path}.killed")
    assert again.returncode == 1
    assert "the file that an earlier recovery kept" in again.stderr
    assert Path(f"{path}.killed").read_bytes() == killed


def test_a_closed_recording_with_a_damaged_frame_is_recovered_without_it(tmp_path, recorded):
    path = place_recording(tmp_path, recorded[1])
    with h5py.File(path, "r+") as file:
        chunk = file[layout.FRAMES].id.get_chunk_info_by_coord((50, 0, 0))
        # before the first row and behind the last
        file.attrs["lost_frames"], file.attrs["lost_samples"] = 4, 2
    with path.open("r+b") as file:
        file.seek(chunk.byte_offset)
        file.write(bytes(chunk.size))
    found = recover(path)
    assert found is not None
    assert (found.dropped_frames, found.lost_frames, found.dropped_samples) == (1, 1, 0)
    with Session(path) as session:
        assert (session.lost_frames, session.lost_samples) == (5, 2)
        assert not session.complete
    assert recover(path) is None


def test_frames_that_are_declared_beyond_all_memory_are_counted_as_dropped(tmp_path, recorded):
    path = place_recording(tmp_path, recorded[1])
    with h5py.File(path, "r+") as file:
        frames = file[layout.FRAMES]
        count = len(frames)
        frames.resize(count - 1, axis=0)                # a closed file that lacks one
        frames.resize(2**39, axis=0)
    found = recover(path)
    assert found is not None
    assert (found.frames, found.dropped_frames) == (count - 1, 2**39 - count + 1)


def test_what_is_no_file_or_lies_where_nothing_can_be_written_is_one_line(
    tmp_path, killed, monkeypatch
):
    os.mkfifo(tmp_path / "pipe.h5")
    (tmp_path / "circle.h5").symlink_to("circle.h5")
    (tmp_path / "link.h5").symlink_to("none.h5")
    for nothing, found in (
        (tmp_path / "none.h5", "nothing"), (tmp_path, "a folder"), (Path("/dev/null"), "a device"),
        (tmp_path / "pipe.h5", "a pipe"),
        (tmp_path / "circle.h5", "a link that leads in a circle"),
        (tmp_path / "link.h5", "a link that leads to nothing"),
    ):
        with pytest.raises(SessionError, match=f"expected a session file, found {found} at"):
            recover(nothing)
    path = place_recording(tmp_path, killed)
    plain = Path.open

    def refuse(self, mode="r", *rest, **named):
        if "x" in mode:
            raise PermissionError(13, "Permission denied")
        return plain(self, mode, *rest, **named)

    monkeypatch.setattr(Path, "open", refuse)
    with pytest.raises(SessionError, match=r"^expected to write beside .*\.h5, found no perm"):
        recover(path)
    assert path.read_bytes() == killed


def test_a_file_cut_in_two_is_said_to_be_worth_recovering(tmp_path, recorded):
    path = place_recording(tmp_path, recorded[1][: len(recorded[1]) // 2])
    with pytest.raises(SessionError) as caught:
        Session(path)
    assert caught.value.fix is Fix.RECOVER_OR_RESTORE


def test_the_checksum_is_hdf5_s(killed):
    assert lookup3(killed[:44]) == int.from_bytes(killed[44:48], "little")


def test_one_that_was_killed_a_moment_ago_is_recovered_once_it_stays_as_it_is(
    tmp_path, killed, monkeypatch
):
    path = place_recording(tmp_path, killed)
    os.utime(path)
    waits = []
    monkeypatch.setattr("time.sleep", lambda _: waits.append(os.utime(path, (1, 1))))
    with pytest.raises(SessionError, match="being written"):
        recover(path)                          # its stamp changed: somebody is at work
    assert len(waits) == 1
    now_s = [1000.0]
    os.utime(path, (1000, 1000))
    monkeypatch.setattr("time.time", lambda: now_s[0])
    monkeypatch.setattr("time.sleep", lambda wait_s: now_s.append(now_s.pop() + wait_s))
    assert recover(path) is not None
    assert now_s[0] >= 1000 + SILENT_S


def test_the_jump_over_a_restart_is_counted_again_by_the_final_times(tmp_path):
    """Of samples that waited for a paused host the arrival was known: 2 were counted, not 40."""
    path, restart, missing = tmp_path / "S01-20260101T090000Z.h5", 260, 40
    writer = SessionWriter(
        path, session_id=path.stem, subject="S01", camera=CAMERA, hello=HELLO, port="x",
        started_unix_ns=1, started_monotonic_ns=START_NS, simulated=True,
    )
    for i in [*range(restart), *range(restart + missing, 600)]:
        boot, ticks = (0, 0) if i < restart else (1, BOOT_TICKS - restart * 80_000)
        at_ns, ticks = sample_ns(i), ticks + i * 80_000
        read_ns = at_ns + 30_000_000 if not 240 <= i < restart else sample_ns(restart + 38)
        writer.add_sample(
            sequence=i - boot * (missing - 2), ticks=ticks, value=i, flags=0, arrival_ns=read_ns,
            time_ns=read_ns, bound_ns=-1,
        )
        if i % 25 == 0:
            writer.add_exchange(at_ns - 300_000, ticks, ticks, at_ns + 300_000, i)
        if i == restart + missing:
            writer.add_event(read_ns, "lost_samples", f"2 before sample {restart + 2}")
    add_frame(writer, 0)
    writer.flush()
    killed = path.read_bytes()
    writer.close(complete=False)
    path = place_recording(tmp_path, killed)
    recovered = recover(path)
    assert recovered.lost_samples == missing
    with Session(path) as session:
        assert (session.ppg_sequence == session.ppg).all()
        assert session.lost_samples == missing
        (event,) = [event for event in session.events if event.kind == "lost_samples"]
        assert event.text == f"{missing} before sample {restart + missing}"


def test_a_killed_recording_of_a_sketch_is_bounded_by_its_arrivals(tmp_path):
    sent_ns = START_NS + np.arange(500) * 20_000_000
    waited = (sent_ns > START_NS + 4e9) & (sent_ns < START_NS + 7e9)       # the host stood still
    arrival_ns = np.where(waited, START_NS + 7 * 10**9, sent_ns + 5_000_000)
    timing = ArrivalTiming("ascii", 0, 18_000_000, 40_000_000, "it prints at once", "")
    path = tmp_path / "S01-20260101T090000Z.h5"
    with SessionWriter(
        path, session_id=path.stem, subject="S01", camera=CAMERA,
        hello=replace(HELLO, tick_hz=1_000_000, rate_hz=50), port="x", started_unix_ns=1,
        started_monotonic_ns=START_NS, simulated=True,
        origin=RecordedWith(timing, scale=(0.0, 1023.0)),
    ) as writer:
        for i, at_ns in enumerate(arrival_ns.tolist()):
            writer.add_sample(
                sequence=i, ticks=at_ns // 1000, value=i, flags=0, arrival_ns=at_ns,
                time_ns=at_ns, bound_ns=-1, reading=float(i),
            )
        writer.flush()
        killed = path.read_bytes()
    place_recording(tmp_path, killed)
    for doubts in (("sample times stand still or go back",), ()):
        assert summarise_session(path).doubts == doubts        # until it is recovered
        with Session(path) as session:
            timing = session.arrival_timing
            assert timing is not None
            assert "0 to 3015 ms" in session.sync_one_sided
            late_ns = session.ppg_time_ns - sent_ns
            assert late_ns.min() >= 0
            assert 250e6 < late_ns.max() <= timing.delay_most_ns
        assert (recover(path) is None) == (not doubts)
    with h5py.File(path) as file:
        assert file["ppg"].attrs["delay_most_ns"] == timing.delay_most_ns
