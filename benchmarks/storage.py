"""Lossless storage of frames in HDF5: processor time, size and exactness, one frame a chunk, one core.

`python -m benchmarks.storage [VIDEO]`: without a video, 150 frames of a virtual subject (noise included).
"""

import sys
import tempfile
import time
from pathlib import Path

import h5py
import hdf5plugin
import numpy as np

CANDIDATES = {
    "HTJ2K": dict(hdf5plugin.Htj2k()),
    "JPEG-LS": dict(hdf5plugin.FciDecomp()),
    "bitshuffle + zstd 1": dict(hdf5plugin.Bitshuffle(cname="zstd", clevel=1)),
    "raw": {},
}


def load(video: str | None, count: int = 150) -> tuple[str, np.ndarray]:
    if video:
        import av

        with av.open(video) as container:
            frames = [frame.to_ndarray() for frame, _ in zip(container.decode(video=0), range(count), strict=False)]
        return video, np.stack(frames)
    from acquire.simulator import VirtualSubject

    subject = VirtualSubject("S01", seed=0)
    return "virtual subject S01", np.stack([subject.frame(i / 25, i) for i in range(count)])


def measure(frames: np.ndarray, options: dict, folder: Path) -> tuple[float, float, float, bool]:
    """Give ms of processor time to write a frame, to read one, how many times smaller, and whether it came back."""
    path = folder / "bench.h5"
    with h5py.File(path, "w", libver="latest") as file:
        data = file.create_dataset("f", frames.shape, "u1", chunks=(1, *frames.shape[1:]), **options)
        began = time.process_time()
        for i, frame in enumerate(frames):
            data[i] = frame
        write_s = time.process_time() - began
    with h5py.File(path, "r") as file:
        began = time.process_time()
        same = all(np.array_equal(file["f"][i], frame) for i, frame in enumerate(frames))
        read_s = time.process_time() - began
    return write_s / len(frames) * 1e3, read_s / len(frames) * 1e3, frames.nbytes / path.stat().st_size, same


def main() -> None:
    name, frames = load(sys.argv[1] if len(sys.argv) > 1 else None)
    print(f"{len(frames)} frames {frames.shape[1:]} of {name}, one core\n")
    print("| filter | write ms/frame | read ms/frame | times smaller | bit-exact |\n|---|---|---|---|---|")
    with tempfile.TemporaryDirectory() as folder:
        for label, options in CANDIDATES.items():
            write_ms, read_ms, ratio, same = measure(frames, options, Path(folder))
            print(f"| {label} | {write_ms:.2f} | {read_ms:.2f} | {ratio:.2f} | {'yes' if same else 'NO'} |")


if __name__ == "__main__":
    main()
