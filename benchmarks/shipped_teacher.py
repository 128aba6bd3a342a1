"""The teacher that ships beside the student and POS: `python -m benchmarks.shipped_teacher FOLDER`.

On virtual people whom neither network nor any choice has seen (`benchmarks.rate_people`, drawn and
rendered, from `--first` on), in windows of 10 s, each method alone and nothing withheld. Each is
held against the student and against POS, with 95 % intervals by drawing whole people.
"""

import argparse
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from pathlib import Path

import numpy as np
import torch

from acquire.errors import TrainingError
from benchmarks.rate_people import PULSE, keep_person, kind_of
from dataset.face.box import ENLARGE, SIZE, FaceBox, enlarge
from dataset.face.frames import FaceFrames
from dataset.signals.filters import bandpass
from models.board.find_net import TEACHER
from models.board.onnx_net import SHIPPED
from models.data.videos import CuratedVideo, change_of_ppg, to_curated_video
from models.evaluation.inference import predict_changes
from models.evaluation.video_result import colour_pulse, evaluate_changes, evaluate_pulse
from models.nets.checkpoint import load_checkpoint

NEAR_BPM, DRAWS = 5.0, 2000
LEAST_S = 10.5          # a window, and what times are off by
LEAST_FPS = 10.0        # slower ones do not hold the band
METHODS = ("teacher", "student", "POS")


def load_video(path: Path) -> CuratedVideo | None:
    """Load one person as a training sees it; None without a face, too short or too slow."""
    with np.load(path) as stored:
        person = dict(stored)
    if "frames" not in person or person["time_s"][-1] < LEAST_S:
        return None
    time_s = person["time_s"].astype(np.float64)
    fps = (len(time_s) - 1) / (time_s[-1] - time_s[0])
    if fps < LEAST_FPS:
        return None
    filtered = bandpass(person["pulse"].astype(np.float64), fps)
    side = round(SIZE / ENLARGE)
    box = enlarge(FaceBox(0, 0, side, side), ENLARGE)
    return to_curated_video(
        FaceFrames(person["frames"], box, ""), filtered, time_s=time_s,
        ppg_change=change_of_ppg(filtered, time_s), folder=f"test/{path.stem}",
        subject=path.stem, session=path.stem, simulated=True, video=Path(),
    )


def errors_of(teacher: Path, path: Path) -> np.ndarray | None:
    """Return a person's errors [bpm], (methods, windows); None of whom there are none."""
    torch.set_num_threads(1)
    video = load_video(path)
    if video is None:
        return None
    try:
        results = [
            evaluate_changes(predict_changes(load_checkpoint(file).net, video), video)
            for file in (teacher, SHIPPED / "student.safetensors")
        ]
        results.append(evaluate_pulse(colour_pulse("pos", video), video))
    except TrainingError:           # whose true rate cannot be told
        return None
    return np.array([np.abs(one.predicted_bpm - one.reference_bpm) for one in results])


def print_rows(title: str, people: list[np.ndarray]) -> None:
    """Print one line a method."""
    windows = sum(one.shape[1] for one in people)
    near = np.array([(one <= NEAR_BPM).sum(axis=1) for one in people])        # (people, methods)
    counts = np.array([one.shape[1] for one in people])
    drawn = np.random.default_rng(0).integers(len(people), size=(DRAWS, len(people)))
    for at, name in enumerate(METHODS):
        leads = []
        for other in ("student", "POS"):
            lead = near[:, at] - near[:, METHODS.index(other)]
            low, high = np.percentile(
                100 * lead[drawn].sum(axis=1) / counts[drawn].sum(axis=1), [2.5, 97.5]
            )
            mean = 100 * lead.sum() / windows
            leads.append("" if other == name else f"{mean:.1f} [{low:.1f}, {high:.1f}]")
        mae_bpm = np.nanmean(np.concatenate([one[at] for one in people]))
        cells = (
            name, f"{len(people)} {title}", f"{windows}",
            f"{100 * near[:, at].sum() / windows:.0f} %",
            *leads, f"{mae_bpm:.1f}",
        )
        print("| " + " | ".join(cells) + " |")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path, help="where people are kept")
    parser.add_argument("--first", type=int, default=4001)
    parser.add_argument("--drawn", type=int, default=300)
    parser.add_argument("--rendered", type=int, default=40)
    parser.add_argument("--teacher", type=Path, default=SHIPPED / TEACHER)
    parser.add_argument("--jobs", type=int, default=2)
    options = parser.parse_args()
    options.folder.mkdir(parents=True, exist_ok=True)
    print(
        "| | people | windows | within 5 bpm | more than the student | more than POS | MAE [bpm] |"
    )
    print("|---|---|---|---|---|---|---|")
    everybody: list[np.ndarray] = []
    left_out: dict[str, int] = {}
    with ProcessPoolExecutor(options.jobs) as pool:
        for how, count in (("drawn", options.drawn), ("rendered", options.rendered)):
            numbers = [
                number for number in range(options.first, options.first + count)
                if kind_of(number) == PULSE
            ]
            paths = list(pool.map(partial(keep_person, options.folder, how), numbers))
            found = list(pool.map(partial(errors_of, options.teacher), paths))
            people = [one for one in found if one is not None and one.size]
            left_out[how] = len(numbers) - len(people)
            print_rows(how, people)
            everybody += people
    print_rows("drawn and rendered", everybody)
    words = ", ".join(f"{count} {how}" for how, count in left_out.items())
    print(
        f"\nleft out: {words}: no face was seen, below {LEAST_S:g} s or {LEAST_FPS:g} frames/s, or "
        "the true rate cannot be told"
    )


if __name__ == "__main__":
    main()
