"""Near-duplicate recordings: false alarms, copies that are found, and the time of many sessions.

`python -m benchmarks.duplicates [--quick]`. The pulses are those of virtual subjects (with the
sensor's noise) and of the real logs, cut into pieces that share nothing. The pictures are the
stored sizes of frames of virtual subjects, and of the real face clip, its halves a recording each;
for many recordings they are drawn, with a lamp's flicker common to all.
"""

import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import av
import cv2
import h5py
import hdf5plugin
import numpy as np

from acquire.simulation.sessions import SimulatedSession, simulate_session
from acquire.simulation.subject import VirtualSubject
from benchmarks.recording import CLIP
from dataset.duplicates.find import SHORTEST_S, Streams, find_duplicates, read_compared_streams

LOGS = CLIP.parent.parent
NOTHING = np.empty(0)


def streams(name: str, ppg: np.ndarray, rate_hz: float, sizes: np.ndarray = NOTHING) -> Streams:
    n = np.arange(len(sizes))
    return Streams(
        Path(name), name, np.round(ppg).astype(np.uint16), np.arange(len(ppg)) / rate_hz, sizes,
        n / 30, n,
    )


def virtual_ppg(subject: str, session: int, seconds: float, *, rate_hz: float = 25.0) -> np.ndarray:
    """Return what a 10-bit sensor with its noise reads of a virtual finger, in 1/65536."""
    rng = np.random.default_rng([session, len(subject), *subject.encode()])
    pulse = VirtualSubject(subject, seed=0, session=session).ppg(
        np.arange(round(seconds * rate_hz)) / rate_hz
    )
    return np.round(500 + 120 * pulse + rng.normal(0, 0.7, len(pulse))) * 64


def drawn_sizes(seed: int, frames: int) -> np.ndarray:
    """Return sizes that vary as those of real frames do: 0.2 %, half of it slow; and flicker."""
    rng = np.random.default_rng(seed)
    slow = np.convolve(rng.normal(0, 1, frames + 14), np.ones(15) / 15, "valid") * 500
    flicker = 150 * np.sin(2 * np.pi * 9.7 * np.arange(frames) / 30 + rng.uniform(0, 6))
    return np.round(120_000 + slow + flicker + rng.normal(0, 150, frames)).astype(np.int64)


def real_logs() -> Iterator[tuple[str, np.ndarray, float]]:
    for path in sorted((LOGS / "finger_ppg_ecg").glob("*.csv")):
        yield path.name, np.loadtxt(path, delimiter=",", usecols=2), 50.0
    yield (
        "data3",
        np.loadtxt(LOGS / "pulse_sensor_logs" / "data3.csv", delimiter=",", usecols=1, skiprows=1),
        100.4,
    )
    yield "data", np.loadtxt(LOGS / "pulse_sensor_logs" / "data.csv"), 100.0


def pieces(seconds: float) -> list[Streams]:
    out = []
    for name, ppg, rate_hz in real_logs():
        length = round(seconds * rate_hz)
        out += [
            streams(f"{name}-{at}", ppg[at : at + length], rate_hz)
            for at in range(0, len(ppg) - length + 1, length)
        ]
    return out


def print_false_alarms(label: str, recordings: list[Streams]) -> None:
    count = len(recordings)
    began = time.process_time()
    duplicates = find_duplicates(recordings)
    took_s = time.process_time() - began
    print(
        f"| {label} | {count:,} | {count * (count - 1) // 2:,} | {len(duplicates)} | "
        f"{took_s:.1f} |",
        flush=True,
    )
    for duplicate in duplicates[:5]:
        first = duplicate.first
        print(
            f"<!-- {first.session} {duplicate.in_words(first.path)} for "
            f"{first.to_s - first.from_s:.0f} s -->"
        )


def false_alarms(quick: bool) -> None:
    many = 100 if quick else 1000
    print(
        "| nothing in common | recordings | pairs | reported | processor time [s] "
        "|\n|---|---|---|---|---|"
    )
    for seconds in (20, 30, 60, 120):
        print_false_alarms(f"virtual, one subject, PPG of {seconds} s",
                [streams(f"S01-{n}", virtual_ppg("S01", n, seconds), 25.0) for n in range(many)])
    if LOGS.exists():
        for seconds in (20, 30, 60):
            print_false_alarms(f"real logs in pieces of {seconds} s", pieces(seconds))
    for seconds in (20, 60):
        print_false_alarms(f"sizes of {seconds} s, drawn, with flicker", [
            streams(f"{n}", NOTHING, 25.0, drawn_sizes(n, 30 * seconds)) for n in range(many)
        ])


def compressed_sizes(frames: np.ndarray) -> np.ndarray:
    """Return what each frame takes [bytes], as the recorder stores it."""
    sizes = np.zeros(len(frames), np.int64)
    with h5py.File("none", "w", driver="core", backing_store=False) as file:
        data = file.create_dataset(
            "f", frames.shape, "u1", chunks=(1, *frames.shape[1:]), **hdf5plugin.Htj2k()
        )
        for i, frame in enumerate(frames):
            data[i] = frame
        data.id.chunk_iter(lambda chunk: sizes.__setitem__(chunk.chunk_offset[0], chunk.size))
    return sizes


def through_h264(rgb: np.ndarray, crf: int) -> np.ndarray:
    """Encode lossily and decode."""
    with tempfile.TemporaryDirectory() as folder:
        path = f"{folder}/v.mp4"
        with av.open(path, "w") as container:
            stream = container.add_stream("libx264", rate=30, options={"crf": str(crf)})
            stream.width, stream.height, stream.pix_fmt = rgb.shape[2], rgb.shape[1], "yuv420p"
            for frame in rgb:
                container.mux(stream.encode(av.VideoFrame.from_ndarray(frame, format="rgb24")))
            container.mux(stream.encode())
        with av.open(path) as container:
            return np.stack(
                [frame.to_ndarray(format="rgb24") for frame in container.decode(video=0)]
            )


def encodings(i420: np.ndarray) -> Iterator[tuple[str, np.ndarray]]:
    rng = np.random.default_rng(0)

    def cut(values: np.ndarray) -> np.ndarray:
        return np.clip(values + 0.5, 0, 255).astype(np.uint8)

    rgb = np.stack([cv2.cvtColor(frame, cv2.COLOR_YUV2RGB_I420) for frame in i420])
    yield "RGB instead of I420", rgb
    yield "RGB, brighter by 5 %", cut(rgb * 1.05)
    yield "I420, darker by 10 %", cut(i420 * 0.9)
    for sd in (0.5, 1, 2):
        yield f"I420 with noise of {sd} (SD, of 255)", cut(i420 + rng.normal(0, sd, i420.shape))
    for crf in (10, 23):
        yield f"through H.264 at CRF {crf}", through_h264(rgb, crf)


def original_pictures(quick: bool) -> Iterator[tuple[str, np.ndarray]]:
    if CLIP.exists():
        with av.open(str(CLIP)) as container:
            yield (
                "real face, 20 s",
                np.stack([frame.to_ndarray() for frame in container.decode(video=0)]),
            )
    if not quick:
        subject = VirtualSubject("S01", seed=0)
        yield "virtual, 20 s", np.stack([subject.frame(i / 30, i) for i in range(600)])


def pictures_found(quick: bool) -> None:
    print(
        "\n| pictures, changed | recording | found | r | found, trimmed to 18.5 s "
        "|\n|---|---|---|---|---|"
    )
    for name, frames in original_pictures(quick):
        original = streams("original", NOTHING, 25.0, compressed_sizes(frames))
        for label, changed in encodings(frames):
            sizes = compressed_sizes(changed)
            whole, part = (
                find_duplicates([original, streams("copy", NOTHING, 25.0, kept)])
                for kept in (sizes, sizes[30:585])
            )
            r = f"{whole[0].r:.2f}" if whole else "–"
            print(
                f"| {label} | {name} | {'yes' if whole else 'no'} | {r} | "
                f"{'yes' if part else 'no'} |",
                flush=True,
            )


def ppg_found(quick: bool) -> None:
    every = 10 if quick else 40
    originals = [(virtual_ppg("S01", n, 60), 25.0) for n in range(every)]
    if LOGS.exists():
        originals += [
            (piece.ppg.astype(float), round(1 / piece.ppg_s[1], 1)) for piece in pieces(60)[:every]
        ]
    print(
        "\n| PPG of 60 s, with noise of | whole | trimmed to 30 s | to 20 s | to 18.5 s "
        "|\n|---|---|---|---|---|"
    )
    rng = np.random.default_rng(0)
    for noise in (0, 0.02, 0.05, 0.1, 0.2):
        row = []
        for kept_s in (60, 30, 20, 18.5):
            hits = 0
            for ppg, rate_hz in originals:
                first = round((60 - kept_s) / 3 * rate_hz)
                cut = ppg[first : first + round(kept_s * rate_hz)] * 0.9 + 1000
                copy = cut + rng.normal(0, noise * ppg.std(), len(cut))
                hits += bool(
                    find_duplicates([streams("one", ppg, rate_hz), streams("copy", copy, rate_hz)])
                )
            row.append(f"{hits} of {len(originals)}")
        print(f"| {noise:.0%} of its SD | {' | '.join(row)} |", flush=True)


def time_of_many(count: int, seconds: int) -> None:
    recordings = [
        streams(
            f"{n}", virtual_ppg(f"S{n % 40:02d}", n, seconds), 25.0, drawn_sizes(n, 30 * seconds)
        )
        for n in range(count)
    ]
    began, cpu = time.perf_counter(), time.process_time()
    duplicates = find_duplicates(recordings)
    print(
        f"| {count:,} of {seconds} s | {time.process_time() - cpu:.0f} | "
        f"{time.perf_counter() - began:.0f} | {len(duplicates)} |",
        flush=True,
    )


def time_of_reading() -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = simulate_session(SimulatedSession("S01", 0, 0, 10.0, 30.0), Path(folder))
        began = time.process_time()
        for _ in range(20):
            read_compared_streams(path)
        print(
            "\nReading what is compared of a session of 10 s takes "
            f"{(time.process_time() - began) / 20 * 1000:.1f} ms."
        )


def main() -> None:
    quick = "--quick" in sys.argv[1:]
    print(f"Stretches that match without being equal are reported from {SHORTEST_S:g} s on.\n")
    false_alarms(quick)
    ppg_found(quick)
    pictures_found(quick)
    print(
        "\n| comparing all with all, both streams | processor time [s] | wall time [s] | reported "
        "|\n|---|---|---|---|"
    )
    for count, seconds in (
        ((100, 60),) if quick else ((100, 60), (1000, 60), (1000, 300), (1000, 600))
    ):
        time_of_many(count, seconds)
    time_of_reading()


if __name__ == "__main__":
    main()
