"""The networks on one core: ONNX Runtime beside torch eager, and what 8-bit integers cost.

`python -m benchmarks.board` times untrained networks: times do not depend on the weights,
differences do. With a run (`python -m benchmarks.board data/runs/20261122T101500Z`) whose data is
beside it, its own student is used, and what int8 changes is measured on its training frames and in
the heart rates of its test videos.
"""

import argparse
import logging
import tempfile
import time
from pathlib import Path

import numpy as np
import onnx
import torch
from onnxruntime.quantization import quantize_dynamic

from models.board.onnx_net import OnnxNet, open_net
from models.data.curated import load_curated
from models.data.videos import CuratedVideo
from models.evaluation.video_result import evaluate_changes
from models.export.export import export, find_student
from models.export.facenet_mtcnn import detect_face_in_torch
from models.export.quantise import quantise, quantise_except, training_motion
from models.nets.can import Student, Teacher
from models.nets.checkpoint import load_checkpoint, save_checkpoint
from models.timing.board_times import PUBLISHED, time_board
from models.timing.stages import PIPELINE, make_face_frames

RUNS = 300


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "run", nargs="?", type=Path, help="a run of acq train-kd, its data beside it"
    )
    given = parser.parse_args().run
    torch.set_num_threads(1)
    # quantize_dynamic advises a preparation that our graphs do not need
    logging.getLogger().setLevel(logging.ERROR)
    with tempfile.TemporaryDirectory() as name:
        run = given or make_untrained(Path(name) / "runs" / "untrained")
        board = export(run, out=Path(name) / "board").folder
        print_times(run, board)
        if given is None:
            print("\nUntrained networks: good for times only. Give a run to see what int8 changes.")
        else:
            print_int8(run, board)


def make_untrained(run: Path) -> Path:
    """Write checkpoints of fresh networks."""
    run.mkdir(parents=True)
    for name, net in (("student", Student()), ("teacher", Teacher())):
        save_checkpoint(run / f"{name}.safetensors", net, split_hash="", data_hash="", about={})
    return run


def print_times(run: Path, board: Path) -> None:
    """Print each stage, and torch eager beside it where torch does the same."""
    times = time_board(board, runs=RUNS)
    torch_ms = time_in_torch(run)
    print(
        f"{times.board}, one of {times.cores} cores; ONNX Runtime {times.onnxruntime}, torch "
        f"{torch.__version__}; one frame of 640x360 at a time, {RUNS} runs (faces: {RUNS // 10})\n"
    )
    print(
        "| stage | median [ms] | p99 [ms] | mean [ms] | torch eager, median [ms] | parameters | "
        "multiply-adds |\n|---|--:|--:|--:|--:|--:|--:|"
    )
    for stage in times.stages:
        counted = [
            f"{count[stage.name]:,}" if stage.name in count else ""
            for count in (times.parameters, times.multiply_adds)
        ]
        print(
            f"| {stage.name} | {stage.median_ms:.3f} | {stage.p99_ms:.3f} | {stage.mean_ms:.3f} | "
            f"{f'{torch_ms[stage.name]:.3f}' if stage.name in torch_ms else ''} | {counted[0]} | "
            f"{counted[1]} |"
        )
    print("\n| times faster than the teacher | network | decoded frame to pulse |\n|---|--:|--:|")
    for net in times.nets[:-1]:
        print(
            f"| {net} | {times.times_faster('', net):.1f} | "
            f"{times.times_faster(PIPELINE, net):.1f} |"
        )
    print(
        f"| {PUBLISHED['board']}: {PUBLISHED['teacher_s']:.2f} and {PUBLISHED['student_s']:.2f} s "
        f"a frame | {PUBLISHED['times']:.0f} | |"
    )


def time_in_torch(run: Path) -> dict[str, float]:
    """Time the same networks, and the same finding of a face, in torch [ms]."""
    motion, appearance = torch.zeros(1, 3, 36, 36), torch.zeros(1, 3, 36, 36)
    frame = make_face_frames(1)[0]
    student, teacher = (
        load_checkpoint(path).net for path in (find_student(run), run / "teacher.safetensors")
    )
    with torch.inference_mode():
        return {
            "student": median_ms(lambda: student(motion, appearance), RUNS),
            "teacher": median_ms(lambda: teacher(motion, appearance), RUNS),
            "find faces": median_ms(lambda: detect_face_in_torch(frame), RUNS // 10),
        }


def median_ms(call, runs: int) -> float:
    """Measure the median time of a call [ms]."""
    times_ms = []
    for _ in range(runs + 10):
        begun = time.perf_counter()
        call()
        times_ms.append(1000 * (time.perf_counter() - begun))
    return float(np.median(times_ms[10:]))


def print_int8(run: Path, board: Path) -> None:
    """Print three ways to integers: time, size, and how far from float32."""
    data = run.absolute().parents[1]
    student = load_checkpoint(find_student(run))
    ranges, others = training_motion(data, student.data_hash, kind=student.motion)
    with tempfile.TemporaryDirectory() as name:
        ways = {
            "float32": board / "student.onnx", "int8 as exported": Path(name) / "static.onnx",
            "int8, first convolution too": Path(name) / "all.onnx",
            "int8, dynamic": Path(name) / "dynamic.onnx",
        }
        float32, exported, everything, dynamic = ways.values()
        quantise(float32, exported, frames=ranges)
        quantise_except(float32, everything, frames=ranges, floats=[])
        quantize_dynamic(onnx.load(float32), dynamic)
        nets = {way: open_net(path) for way, path in ways.items()}
        by_float32 = nets["float32"].predict(others)
        videos = load_curated(data, allow_mixed=True).test
        rates = {way: heart_rates(net, videos) for way, net in nets.items()}
        predicted, reference = rates["float32"]
        print(
            "\n| student | bytes | median [ms] | r with float32 | rms [% of SD] | MAE [bpm] | from "
            "float32's [bpm] |"
            "\n|---|--:|--:|--:|--:|--:|--:|"
        )
        for way, net in nets.items():
            changes, pair = net.predict(others), others[:1]
            print(
                f"| {way} | {ways[way].stat().st_size:,} | "
                f"{median_ms(lambda net=net, pair=pair: net.predict(pair), RUNS):.3f} | "
                f"{np.corrcoef(changes, by_float32)[0, 1]:.4f} | "
                f"{100 * np.sqrt(np.mean((changes - by_float32) ** 2)) / by_float32.std():.1f} | "
                f"{np.abs(rates[way][0] - reference).mean():.2f} | "
                f"{np.abs(rates[way][0] - predicted).mean():.2f} |"
            )
    print(
        f"\nr and rms: {len(others)} training pairs apart from those of the ranges; heart rates: "
        f"{len(reference)} windows of {len(videos)} test videos, beside the finger's and float32's"
    )


def heart_rates(net: OnnxNet, videos: list[CuratedVideo]) -> tuple[np.ndarray, np.ndarray]:
    """Return the heart rate of every window of some videos [bpm], and the finger's."""
    results = []
    for video in videos:
        changes = net.predict(video.motion.permute(0, 3, 1, 2).float().numpy())
        results.append(evaluate_changes(changes.astype(np.float64), video))
    return (np.concatenate([result.predicted_bpm for result in results]),
            np.concatenate([result.reference_bpm for result in results]))


if __name__ == "__main__":
    main()
