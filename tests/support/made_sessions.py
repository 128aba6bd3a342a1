"""Sessions with a known truth, written by the real writer, small enough to make by the dozen."""

import hashlib
import pickle
import shutil
import zlib
from pathlib import Path

import numpy as np

from acquire import layout
from acquire.camera.source import CameraInfo, VideoFrame
from acquire.session.structure import RecordedWith
from acquire.session.writer import SessionWriter
from tests.support.fakes import HELLO
from tests.support.kept_files import kept_folder

WIDTH, HEIGHT = 32, 24
START_NS = 5_000_000_000_000


def pulse(time_ns, bpm=72.0):
    """A tone in the middle of the band, in sensor units."""
    return 30_000 + 8_000 * np.sin(2 * np.pi * bpm / 60 * (np.asarray(time_ns) - START_NS) / 1e9)


def picture(i, shape=(HEIGHT * 3 // 2, WIDTH)):
    return np.random.default_rng(i).integers(0, 256, shape, dtype=np.uint8)


def frame_times(count, fps=30.0, seed=0):
    """Irregular, as cameras are; the first frame comes with the first sample."""
    jitter = np.random.default_rng(seed).uniform(-0.004, 0.004, count)
    jitter[:1] = 0
    return START_NS + np.round((np.arange(count) / fps + jitter) * 1e9).astype(np.int64)


def sample_times(count, rate_hz=25.0, skew_ppm=400.0):
    return START_NS + np.round(np.arange(count) / rate_hz * (1 + skew_ppm / 1e6) * 1e9).astype(
        np.int64
    )


def make_session(data: Path, subject="S01", number=1, *, folder=None, session_id=None, **asked):
    """Write one session under `data` as `write_session` does, or copy what it wrote so before."""
    name = session_id or f"{subject}-20260101T0900{number:02d}Z"
    path = data / "sessions" / (folder or subject) / f"{name}.h5"
    asked_for = pickle.dumps((name, subject, number, sorted(asked.items())))
    kept = kept_folder() / f"{hashlib.sha256(asked_for).hexdigest()}.h5"
    if kept.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(kept, path)
    else:
        write_session(path, name, subject, number, **asked)
        shutil.copyfile(path, kept)
    return path


def write_session(
    path: Path, name, subject, number, *, seconds=8.0, bpm=72.0, pixel_format="I420",
    simulated=False, complete=True, lost_frames=(), lost_samples=(), bound_ns=700_000,
    frame_offset_s=0.0, ppg=None, raw_frames=(), light_offset=None, events=(), content_of=None,
    streams=(),
):
    """Write one session; of S01 frame i shows `picture(i)`, and the PPG is `pulse`.

    Others have pictures of their own, and a few counts of noise on their PPG: equal ones would be
    one person under two names, which `content_of` makes of its subject. Each of `streams` has a
    sample.
    """
    person = content_of or subject
    first_picture = 0 if person == "S01" else 1000 + zlib.crc32(person.encode())
    camera = CameraInfo(
        "fake", WIDTH, HEIGHT, 30.0, pixel_format, "start of exposure", simulated=simulated,
        light_offset=light_offset,
    )
    frames_ns = frame_times(int(seconds * 30)) + round(frame_offset_s * 1e9)
    samples_ns = sample_times(int(seconds * 25) + 1)
    with SessionWriter(
        path, session_id=name, subject=subject, camera=camera, hello=HELLO, port="/dev/fake",
        started_unix_ns=1_767_258_000_000_000_000 + number, started_monotonic_ns=START_NS,
        simulated=simulated, origin=RecordedWith(streams=tuple(streams)),
    ) as writer:
        values = np.round(pulse(samples_ns, bpm)).astype(int) if ppg is None else ppg
        if ppg is None and first_picture:
            values += np.random.default_rng(first_picture).integers(-2, 3, len(values))
        for i, (time_ns, value) in enumerate(zip(samples_ns, values, strict=False)):
            if i not in lost_samples:
                writer.add_sample(
                    sequence=i, ticks=i * 80_000, value=int(value), flags=0,
                    arrival_ns=int(time_ns) + 9_000_000, time_ns=int(time_ns), bound_ns=bound_ns,
                )
        for i, time_ns in enumerate(frames_ns):
            if i not in lost_frames:
                writer.store.raw = i in raw_frames
                writer.add_frame(
                    VideoFrame(
                        picture(first_picture + i, camera.image_shape), int(time_ns),
                        int(time_ns) + 30_000_000, i,
                    )
                )
        for stream in streams:
            row = START_NS / 1e9, START_NS, START_NS, -1, [0.5] * stream.channels or b"a mark"
            writer.add_row(layout.stream_samples(stream.name), row)
        writer.add_exchange(START_NS, 1, 2, START_NS + 1_000_000, 1)
        writer.add_event(START_NS, "started", "by a test")
        for at_s, kind, text in events:
            writer.add_event(START_NS + round(at_s * 1e9), kind, text)
        writer.close(complete=complete)
