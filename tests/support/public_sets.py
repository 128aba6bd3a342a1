"""Small public data sets with the defects that are really published, and with a known truth."""

import functools
import json
from pathlib import Path

import av
import cv2
import numpy as np

WIDTH, HEIGHT = 32, 24
FPS = 29.4
PURE_START_NS = 1_392_643_993_642_815_000


@functools.cache
def picture(i):
    """Return an (H, W, 3) RGB picture, the same every time; nobody writes to it."""
    return np.random.default_rng(1000 + i).integers(0, 256, (HEIGHT, WIDTH, 3), dtype=np.uint8)


def stamps_s(count):
    """Return irregular stamps, to a ms, with repeated ones and a gap of 1 s, as in DATASET_2."""
    t = np.round(np.arange(count) / FPS + np.random.default_rng(1).uniform(0, 0.008, count), 3)
    t[11] = t[12] = t[10]
    t[count // 2:] += 1.0
    return t - t[0]


def pulse(t_s, bpm=72.0):
    return np.sin(2 * np.pi * bpm / 60 * t_s)


def write_avi(path: Path, count, *, cut_bytes=0, first=0):
    with av.open(str(path), "w", format="avi") as container:
        stream = container.add_stream("rawvideo", rate=30)
        stream.width, stream.height, stream.pix_fmt = WIDTH, HEIGHT, "bgr24"
        for i in range(first, first + count):
            container.mux(
                stream.encode(
                    av.VideoFrame.from_ndarray(picture(i)[..., ::-1].copy(), format="bgr24")
                )
            )
        container.mux(stream.encode(None))
    if cut_bytes:
        path.write_bytes(path.read_bytes()[:-cut_bytes])


def matlab_row(values):
    """Return a row of numbers with runs of spaces and one at the end, as MATLAB writes them."""
    return "".join(f"   {value: .7e}" for value in values) + " \n"


def make_dataset_2(
    folder: Path, *, frames=300, labels=300, missing_hr=0, cut_bytes=0, time_s=None, person=0
):
    """Make a folder; another `person` has other pictures and another pulse."""
    folder.mkdir(parents=True)
    write_avi(folder / "vid.avi", frames, cut_bytes=cut_bytes, first=1000 * person)
    t = stamps_s(labels) if time_s is None else time_s
    ppg = pulse(t, 72.0 + 3 * person)
    (folder / "ground_truth.txt").write_text(
        matlab_row(ppg) + matlab_row(np.full(labels - missing_hr, 71.0)) + matlab_row(t)
    )
    return ppg, t


def make_dataset_1(folder: Path, *, frames=240, samples=520):
    folder.mkdir(parents=True)
    write_avi(folder / "vid.avi", frames)
    ms = np.round(np.arange(samples) * 16.1).astype(int) - 20
    ms[101] = ms[100]
    values = np.round(50 + 40 * pulse(ms / 1000)).astype(int)
    (folder / "gtdump.xmp").write_text(
        "".join(f"{t},72,98,{v}\n" for t, v in zip(ms, values, strict=True))
    )
    return values, ms


def make_pure(
    folder: Path, *, frames=240, samples=490, missing=(), unlisted=(), damaged=(), person=0
):
    inner = folder / folder.name
    inner.mkdir(parents=True)
    stamps = PURE_START_NS + np.round(np.arange(frames) / 30 * 1e9).astype(np.int64)
    for i, stamp in enumerate(stamps):
        if i in damaged:
            (inner / f"Image{stamp}.png").write_bytes(b"no picture")
        elif i not in missing:
            cv2.imwrite(str(inner / f"Image{stamp}.png"), picture(1000 * person + i)[..., ::-1])
    listed = [int(stamp) for i, stamp in enumerate(stamps) if i not in unlisted]
    listed[3], listed[4] = listed[4], listed[3]           # out of order
    listed.append(listed[-1])                             # and one twice
    sample_ns = PURE_START_NS + np.round(np.arange(samples) / 60 * 1e9).astype(np.int64)
    sample_ns[50], sample_ns[51] = sample_ns[51], sample_ns[50]
    bpm = 72.0 + 3 * person
    values = np.round(50 + 40 * pulse((sample_ns - PURE_START_NS) / 1e9, bpm)).astype(int)
    body = {
        "/FullPackage": [
            {
                "Timestamp": int(t),
                "Value": {"waveform": int(v), "pulseRate": 72, "o2saturation": 98}, "FrameID": "",
            }
            for t, v in zip(sample_ns, values, strict=True)
        ],
        "/Image": [{"Timestamp": t, "Value": {}, "FrameID": "/CameraFrame"} for t in listed],
    }
    (folder / f"{folder.name}.json").write_text(json.dumps(body))
    return values, sample_ns, stamps
