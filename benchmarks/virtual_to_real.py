"""From virtual people to a real one: `python -m benchmarks.virtual_to_real [--real FOLDER]`.

It makes the student that ships with acq. Virtual subjects, each with one session in a world drawn
anew (`acquire.simulation.world`), go from the simulator through their camera's processing to the
36x36 average; a teacher learns from them, then the student from both. The PPG to learn is delayed
by what the face is behind the finger, since no picture shows that delay. Sixteen other
subjects of other worlds are the test; a real recording, where given, is read once, after everything
is chosen. Two hours on two cores, most of them the teacher's.
"""

import argparse
import hashlib
from concurrent.futures import ProcessPoolExecutor
from importlib.metadata import version
from pathlib import Path

import cv2
import numpy as np
import torch

from acquire.camera.frame_times import read_frame_times
from acquire.errors import AcqError
from acquire.simulation.rendering.camera_pipeline import CameraPipeline
from acquire.simulation.subject import VirtualSubject
from acquire.simulation.world import draw_world
from dataset.face.box import FaceBox
from dataset.face.find import find_face
from dataset.face.frames import FaceFrames, average_face, read_face_frames
from dataset.signals.filters import bandpass
from dataset.signals.windows import even_grid, to_even_grid
from models.data.videos import CuratedVideo, TrainingData, change_of_ppg, to_curated_video
from models.evaluation.assess import assess
from models.evaluation.inference import predict_changes
from models.evaluation.video_result import evaluate_changes
from models.export.export import convert_net
from models.export.quantise import quantise
from models.export.verify import verify_net
from models.nets.can import Net, Student, Teacher
from models.nets.checkpoint import load_checkpoint, save_checkpoint
from models.training.recipe import Recipe, Trained
from models.training.train import train_student, train_teacher

SEED, TEST_SEED = 51, 52
BEGIN_S, RATES = 3.0, (15.0, 20.0, 25.0, 30.0, 30.0, 30.0)     # of the films [Hz]
JITTER = 0.15  # of a frame's step: by how much its time is late at most
PAIRS = 8  # of a session, for the ranges of int8
CPU = torch.device("cpu")
SHOWN = ("mae_bpm", "rmse_bpm", "pearson_r", "snr_db", "macc")


def film(seed: int, number: int, seconds: float) -> dict[str, np.ndarray] | None:
    """Make the 36x36 frames, times and PPG of one session; None without a face in its first."""
    cv2.setNumThreads(1)
    torch.set_num_threads(1)
    name = f"S{number:02d}"
    world = draw_world(name, seed=seed, session=0)
    person = VirtualSubject(name, seed=seed, session=0, world=world)
    rng = np.random.default_rng([seed, number])
    fps = float(rng.choice(RATES))
    count = round(seconds * fps)
    time_s = BEGIN_S + (np.arange(count) + rng.uniform(0, JITTER, count)) / fps
    box, averaged = None, []
    with CameraPipeline(world.processing, fps=fps) as pipeline:
        for index, t_s in enumerate(time_s):
            bgr = cv2.cvtColor(
                pipeline.process(person.frame(float(t_s), index)), cv2.COLOR_YUV2BGR_I420
            )
            try:
                box = box or find_face([bgr[:, :, ::-1]], name=name)
            except AcqError:
                return None
            averaged.append(average_face(bgr, box)[:, :, ::-1])
    ppg = person.ppg(time_s - (person.heart.face.delay_s - person.heart.finger.delay_s))
    return {"frames": np.stack(averaged), "ppg": ppg, "time_s": time_s}


def keep_film(job: tuple[Path, int, int, float]) -> Path | None:
    folder, seed, number, seconds = job
    path = folder / f"{seed}-{number}-{seconds:g}s.npz"
    if not path.exists():
        made = film(seed, number, seconds)
        np.savez(path, **(made or {}))
    with np.load(path) as stored:
        return path if "frames" in stored else None


def load_video(path: Path) -> CuratedVideo:
    with np.load(path) as stored:
        frames, raw, time_s = stored["frames"], stored["ppg"], stored["time_s"]
    grid_s, fs_hz = even_grid(time_s)
    ppg = np.interp(
        time_s - time_s[0], grid_s - grid_s[0], bandpass(to_even_grid(raw, time_s), fs_hz)
    )
    return to_curated_video(
        FaceFrames(frames, FaceBox(0, 0, 1, 1), ""), ppg, time_s=time_s,
        ppg_change=change_of_ppg(ppg, time_s), folder=path.stem, subject=path.stem,
        session=path.stem, simulated=True, video=Path(),
    )


def print_figures(name: str, trained: Trained) -> None:
    figures = assess(trained.videos)
    shown = ", ".join(f"{figure} {figures[figure]:.3f}" for figure in SHOWN)
    print(
        f"{name}: {shown}; MAE's interval {figures['interval']['mae_bpm']}; "
        f"{trained.seconds:.0f} s",
        flush=True,
    )
    print("  loss " + " ".join(f"{epoch['label']:.3f}" for epoch in trained.curve), flush=True)


def print_real_heart_rates(folder: Path, nets: dict[str, Net]) -> None:
    """Print each network's heart rates of a real recording, window by window.

    Parameters
    ----------
    folder : holds video.mkv, frames_timestamp.csv and ppg.csv
    """
    import pandas as pd

    time_s = read_frame_times(folder / "frames_timestamp.csv")
    finger = pd.read_csv(folder / "ppg.csv")
    at_s, raw = finger.iloc[:, 0].to_numpy(float), finger.iloc[:, 1].to_numpy(float)
    grid_s, fs_hz = even_grid(at_s)
    ppg = np.interp(time_s, grid_s, bandpass(to_even_grid(raw, at_s), fs_hz))
    frames = read_face_frames(folder / "video.mkv", cache=Path("/tmp/acq-virtual-to-real/real"))
    video = to_curated_video(
        frames, ppg, time_s=time_s, ppg_change=change_of_ppg(ppg, time_s), folder="real",
        subject="real", session="real", simulated=False, video=folder,
    )
    for name, net in nets.items():
        result = evaluate_changes(predict_changes(net, video), video)
        print(
            f"real, {name}: {np.nanmean(result.predicted_bpm):.2f} bpm, the PPG "
            f"{result.reference_bpm.mean():.2f}; by window "
            f"{np.round(result.predicted_bpm, 1).tolist()}, "
            f"{np.round(result.reference_bpm, 1).tolist()}; "
            f"SNR {result.snr_db.mean():.2f} dB",
            flush=True,
        )


def write_shipped_files(folder: Path, data: TrainingData) -> None:
    """Write what ships with acq: the student's checkpoint, and its ONNX in float32 and int8."""
    ready = folder / "ship"
    ready.mkdir(exist_ok=True)
    (ready / "student.safetensors").write_bytes((folder / "student_kd.safetensors").read_bytes())
    checkpoint = load_checkpoint(ready / "student.safetensors")
    assert isinstance(checkpoint.net, Student)
    model = convert_net("student", ready / "student.safetensors", checkpoint)
    (ready / "student.onnx").write_bytes(model.SerializeToString())
    difference = verify_net(ready / "student.onnx", checkpoint.net)
    print(f"{difference:.1e} between ONNX Runtime and torch")
    pairs = torch.cat(
        [video.motion[:: max(1, len(video.motion) // PAIRS)] for video in data.train]
    )
    quantise(
        ready / "student.onnx", ready / "student-int8.onnx",
        frames=pairs.permute(0, 3, 1, 2).float().numpy(),
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--subjects", type=int, default=144)
    parser.add_argument("--seconds", type=float, default=25.0)
    parser.add_argument("--epochs", type=int, default=12)
    parser.add_argument("--teacher-epochs", type=int, default=12)
    parser.add_argument(
        "--folder", type=Path, default=Path("/tmp/acq-virtual-to-real"),
        help="where frames and weights are stored",
    )
    parser.add_argument("--films-only", action="store_true")
    parser.add_argument(
        "--real", type=Path, help="a folder with video.mkv, frames_timestamp.csv and ppg.csv"
    )
    options = parser.parse_args()
    options.folder.mkdir(parents=True, exist_ok=True)
    jobs = [(options.folder, TEST_SEED, n, 30.0) for n in range(1, 17)]
    jobs += [(options.folder, SEED, n, options.seconds) for n in range(1, options.subjects + 1)]
    with ProcessPoolExecutor(2) as pool:
        paths = [path for path in pool.map(keep_film, jobs) if path is not None]
    print(f"{len(paths)} of {len(jobs)} sessions show a face in their first frame", flush=True)
    if options.films_only:
        return
    sides = {
        seed: [path for path in paths if path.name.startswith(f"{seed}-")]
        for seed in (SEED, TEST_SEED)
    }
    data_hash = hashlib.sha256(
        b"".join(hashlib.sha256(path.read_bytes()).digest() for path in sides[SEED])
    ).hexdigest()
    split = f"virtual people of seeds {SEED} and {TEST_SEED}"
    data = TrainingData(
        train=[load_video(path) for path in sides[SEED]],
        test=[load_video(path) for path in sides[TEST_SEED]],
        split_hash=hashlib.sha256(split.encode()).hexdigest(), data_hash=data_hash,
    )
    recipe = Recipe(epochs=options.epochs, teacher_epochs=options.teacher_epochs)
    about = {
        "recipe": {
            "epochs": recipe.epochs, "teacher_epochs": recipe.teacher_epochs, "seed": recipe.seed,
        },
        "subjects": data.subjects,
        "versions": {"acq": version("acq")},
    }
    states = options.folder / "training"
    states.mkdir(exist_ok=True)
    nets: dict[str, Net] = {}
    for name in ("teacher", "student_kd"):
        path = options.folder / f"{name}.safetensors"
        if not path.exists():
            teacher = nets.get("teacher")
            trained = (
                train_student(data, recipe, teacher=teacher, device=CPU, states=states)
                if isinstance(teacher, Teacher)
                else train_teacher(data, recipe, device=CPU, states=states)
            )
            print_figures(name, trained)
            save_checkpoint(
                path, trained.net, split_hash=data.split_hash, data_hash=data_hash, about=about
            )
        nets[name] = load_checkpoint(path, data_hash=data_hash).net
    write_shipped_files(options.folder, data)
    if options.real is not None:
        print_real_heart_rates(options.real, nets)


if __name__ == "__main__":
    main()
