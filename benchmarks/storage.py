"""Lossless storage of frames: processor time, size, memory and exactness of each candidate.

`python -m benchmarks.storage [VIDEO]`: 150 frames of the video; without one, of the real face clip
where it is at hand, and of a virtual subject (noise included). Each candidate runs in a process of
its own. HDF5 stores one frame a chunk; FFV1 goes through PyAV into Matroska, in one thread.
"""

import sys
import tempfile
import time
from collections.abc import Callable, Iterable
from pathlib import Path

import av
import h5py
import hdf5plugin
import numpy as np

from benchmarks.recording import CLIP, in_a_process, peak_mb, rss_mb

COUNT = 150
FILTERS = {
    "HTJ2K": hdf5plugin.Htj2k,
    "JPEG-LS": hdf5plugin.FciDecomp,
    "bitshuffle + zstd 1": lambda: hdf5plugin.Bitshuffle(cname="zstd", clevel=1),
    "bitshuffle + zstd 9": lambda: hdf5plugin.Bitshuffle(cname="zstd", clevel=9),
    "raw": dict,
}
CANDIDATES = (*FILTERS, "FFV1")


def load(video: str | None) -> np.ndarray:
    if video:
        with av.open(video) as container:
            return np.stack(
                [
                    frame.to_ndarray()
                    for frame, _ in zip(container.decode(video=0), range(COUNT), strict=False)
                ]
            )
    from acquire.simulation.subject import VirtualSubject

    subject = VirtualSubject("S01", seed=0)
    return np.stack([subject.frame(i / 25, i) for i in range(COUNT)])


def write_hdf5(path: Path, frames: np.ndarray, label: str) -> None:
    with h5py.File(path, "w", libver="latest") as file:
        data = file.create_dataset(
            "f", frames.shape, "u1", chunks=(1, *frames.shape[1:]), **dict(FILTERS[label]())
        )
        for i, frame in enumerate(frames):
            data[i] = frame


def read_hdf5(path: Path) -> Iterable[np.ndarray]:
    with h5py.File(path, "r") as file:
        yield from file["f"]


def write_ffv1(path: Path, frames: np.ndarray, _: str) -> None:
    with av.open(str(path), "w", format="matroska") as container:
        stream = container.add_stream("ffv1", rate=30, options={"threads": "1", "level": "3"})
        stream.width, stream.height, stream.pix_fmt = (
            frames.shape[2], frames.shape[1] * 2 // 3, "yuv420p",
        )
        for frame in frames:
            container.mux(stream.encode(av.VideoFrame.from_ndarray(frame, format="yuv420p")))
        container.mux(stream.encode())


def read_ffv1(path: Path) -> Iterable[np.ndarray]:
    with av.open(str(path)) as container:
        container.streams.video[0].thread_type = "NONE"
        for frame in container.decode(video=0):
            yield frame.to_ndarray()


def measure_candidate(saved: str, label: str) -> dict:
    """Return ms of processor time a frame, how many times smaller, MB of memory, exactness."""
    frames = np.load(saved)
    write: Callable = write_ffv1 if label == "FFV1" else write_hdf5
    read: Callable = read_ffv1 if label == "FFV1" else read_hdf5
    before_mb = rss_mb()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "bench"
        start_s = time.process_time()
        write(path, frames, label)
        write_s = time.process_time() - start_s
        wrote_mb = peak_mb() - before_mb
        start_s = time.process_time()
        frames_read = sum(1 for _ in read(path))
        read_s = time.process_time() - start_s
        same = frames_read == len(frames) and all(
            np.array_equal(*pair) for pair in zip(read(path), frames, strict=True)
        )
        times = frames.nbytes / path.stat().st_size
    ms = 1e3 / len(frames)
    return {
        "write": write_s * ms, "read": read_s * ms, "times": times, "mb": wrote_mb, "same": same,
    }


def main() -> None:
    given = sys.argv[1] if len(sys.argv) > 1 else None
    for video in [given] if given else [*([str(CLIP)] if CLIP.exists() else []), None]:
        with tempfile.TemporaryDirectory() as folder:
            saved = Path(folder) / "frames.npy"
            frames = load(video)
            np.save(saved, frames)
            what = Path(video).name if video else "virtual subject S01"
            print(f"{len(frames)} frames {frames.shape[1:]} of {what}, one core\n")
            del frames
            print(
                "| how | write ms/frame | read ms/frame | times smaller | MB to write | bit-exact "
                "|\n|---|---|---|---|---|---|"
            )
            for label in CANDIDATES:
                result = in_a_process("benchmarks.storage", "measure_candidate", str(saved), label)
                print(
                    f"| {label} | {result['write']:.2f} | {result['read']:.2f} | "
                    f"{result['times']:.2f} | {result['mb']:.0f} | "
                    f"{'yes' if result['same'] else 'NO'} |",
                    flush=True,
                )
        print()


if __name__ == "__main__":
    main()
