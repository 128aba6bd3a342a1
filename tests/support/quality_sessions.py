"""Sessions for the tests of quality: the real clip, a real finger, sessions with other columns."""

import csv
from contextlib import contextmanager
from dataclasses import replace

import av
import h5py
import numpy as np

from acquire import layout
from acquire.camera.source import CameraInfo, VideoFrame
from acquire.session.writer import SessionWriter
from dataset.quality.limits import read_limits
from dataset.quality.measure import measure_session
from tests.support.fakes import HELLO

LIMITS = read_limits()
START_NS = 5_000_000_000_000


def real_session(folder, path):
    """Write the real face clip with its finger PPG as a session, at their own times on their common
    clock.
    """
    with open(folder / "frames_timestamp.csv") as file:
        frame_s = np.array([float(row["timestamp"]) for row in csv.DictReader(file)])
    table = np.genfromtxt(folder / "ppg.csv", delimiter=",", names=True)
    sample_s, values = table[table.dtype.names[0]], table[table.dtype.names[-1]]
    camera = CameraInfo("Logitech C930c", 640, 360, 30.0, "I420", "host arrival")
    with SessionWriter(
        path, session_id="S01-20260101T090000Z", subject="S01", camera=camera, hello=HELLO,
        port="a file", started_unix_ns=1_767_258_000_000_000_000, started_monotonic_ns=START_NS,
        simulated=False,
    ) as writer:
        for i, (at_s, value) in enumerate(zip(sample_s, values, strict=True)):
            time_ns = START_NS + round((at_s - frame_s[0]) * 1e9)
            writer.add_sample(
                sequence=i, ticks=i * 100_000, value=int(value) * 500, flags=0, arrival_ns=time_ns,
                time_ns=time_ns, bound_ns=-1,
            )
        writer.store.raw = True                    # compressing takes longer than all the rest
        with av.open(str(folder / "video.mkv")) as clip:
            for i, frame in enumerate(clip.decode(video=0)):
                time_ns = START_NS + round((frame_s[i] - frame_s[0]) * 1e9)
                writer.add_frame(VideoFrame(frame.to_ndarray(), time_ns, time_ns, i))
        writer.close(complete=True)
    with h5py.File(path, "r+") as file:
        file.attrs[layout.IMPORTED_ATTR] = "PhysRecorder example"  # nobody vouches for its times
    return path


@contextmanager
def with_columns(path, **columns):
    """Put other columns into a session, by name such as ppg_time_ns; the old ones come back."""
    names = {name: name.replace("_", "/", 1).replace("frame/", "video/") for name in columns}
    with h5py.File(path, "r+") as file:
        before = {name: file[names[name]][:] for name in columns}
        for name, values in columns.items():
            file[names[name]][:] = values
    try:
        yield path
    finally:
        with h5py.File(path, "r+") as file:
            for name, values in before.items():
                file[names[name]][:] = values


def finger_session(values, path):
    """A session of a real finger at 50 Hz, without pictures."""
    camera = CameraInfo("none", 32, 24, 30.0, "I420", "host arrival")
    with SessionWriter(
        path, session_id="S01-20260101T090000Z", subject="S01", camera=camera,
        hello=replace(HELLO, rate_hz=50), port="a file", started_unix_ns=1_767_258_000_000_000_000,
        started_monotonic_ns=START_NS, simulated=False,
    ) as writer:
        for i, value in enumerate(values):
            time_ns = START_NS + i * 20_000_000
            writer.add_sample(
                sequence=i, ticks=i * 40_000, value=int(value), flags=0, arrival_ns=time_ns,
                time_ns=time_ns, bound_ns=500_000,
            )
        writer.close(complete=True)
    return path


def measure_quality(path):
    """Measure a session by the limits that come with acq; return the quality alone."""
    return measure_session(path, LIMITS)[0]


def flag_kinds(quality):
    """Return the kinds of flags, but for the note that half a minute does not tell one beat from
    the next.
    """
    return {flag.kind for flag in quality.flags} - {"lag_beats"}
