"""Sessions of a virtual finger whose every beat is known: two frames, minutes of PPG at 25 Hz."""

from collections.abc import Callable
from pathlib import Path

import numpy as np

from acquire.camera.source import CameraInfo, VideoFrame
from acquire.session.writer import SessionWriter
from acquire.simulation.heart import EARLIEST_S, Heart
from tests.support.fakes import HELLO
from tests.support.made_sessions import HEIGHT, START_NS, WIDTH, picture

FS_HZ = 25
_POINTS = 8                    # of a sample's window, which the firmware averages


def sampled(ppg_at: Callable[[np.ndarray], np.ndarray], seconds: float, *, seed=0) -> np.ndarray:
    """Return what the virtual sensor reads: means over windows, 16 bit, with its noise."""
    t_s = np.arange(round(seconds * FS_HZ)) / FS_HZ
    within_s = (np.arange(_POINTS) - (_POINTS - 1) / 2) / (_POINTS * FS_HZ)
    mean = ppg_at((t_s[:, None] + within_s).ravel()).reshape(len(t_s), _POINTS).mean(axis=1)
    noise = np.random.default_rng(seed).normal(0, 60, len(t_s))
    return np.clip(np.round(26_000 + 13_000 * mean + noise), 0, 65_535).astype(int)


def write_finger(data: Path, values: np.ndarray, *, subject="S01", lost=(), events=()) -> Path:
    """Write a session of these sensor values; those whose numbers are in `lost` lack."""
    name = f"{subject}-20260101T090000Z"
    path = data / "sessions" / subject / f"{name}.h5"
    camera = CameraInfo("fake", WIDTH, HEIGHT, 30.0, "I420", "start of exposure", simulated=True)
    lost = set(lost)
    with SessionWriter(
        path, session_id=name, subject=subject, camera=camera, hello=HELLO, port="/dev/fake",
        started_unix_ns=1_767_258_000_000_000_000, started_monotonic_ns=START_NS, simulated=True,
    ) as writer:
        for i, value in enumerate(values.tolist()):
            if i not in lost:
                time_ns = START_NS + i * 1_000_000_000 // FS_HZ
                writer.add_sample(
                    sequence=i, ticks=i * 80_000, value=value, flags=0,
                    arrival_ns=time_ns + 9_000_000, time_ns=time_ns, bound_ns=700_000,
                )
        for i in range(2):
            time_ns = START_NS + i * 40_000_000
            writer.add_frame(
                VideoFrame(picture(i, camera.image_shape), time_ns, time_ns + 30_000_000, i)
            )
        for at_s, kind, text in events:
            writer.add_event(START_NS + round(at_s * 1e9), kind, text)
        writer.close(complete=True)
    return path


def without_breath(heart: Heart) -> Heart:
    """Return a heart that no breath moves: neither its rate, nor its height, nor its baseline."""
    heart._rsa_bpm = heart._breath_height = 0.0
    heart._beats, heart._count, heart._until_s = np.empty(0), 0.0, EARLIEST_S - 2.0
    heart.breath = lambda t_s: np.zeros(np.shape(t_s))        # type: ignore[method-assign]
    return heart


def true_figures(beats_s: np.ndarray) -> tuple[float, float, float, float]:
    """Return mean interval, SDNN, RMSSD [ms] and pNN50 [%] of known beats."""
    intervals_ms = np.diff(beats_s) * 1e3
    changes = np.diff(intervals_ms)
    return (
        float(intervals_ms.mean()), float(intervals_ms.std(ddof=1)),
        float(np.sqrt(np.mean(changes**2))), 100 * float(np.mean(np.abs(changes) > 50)),
    )
