"""Networks of other papers at full size: `python -m benchmarks.full_size_nets [NAME ...]`.

One epoch on one virtual person of a folder laid out like UBFC-rPPG, another person read: that each
trains and reads without an error, what a step costs, and how much memory the process took. A few
steps teach nothing, so errors are not shown. Each network in a process of its own, one thread;
seconds are of the processor, those in all include the start of the process and the reading.
"""

import argparse
import multiprocessing
import resource
import tempfile
import time
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import torch

from dataset.layouts.avi import VideoWriter
from models.data.published_ubfc import load_dataset_2
from models.evaluation.assess import assess
from models.nets.can import count_parameters
from models.published_nets.registry import networks
from models.published_nets.spec import PublishedNet
from models.training.beside import train_beside
from models.training.recipe import Recipe
from tests.support.curated_folders import PORTRAIT

FPS, WIDTH, HEIGHT = 15, 256, 192
FRAMES = {"subject1": 330, "subject2": 180}         # SynRhythm's clip has 300


def write_person(folder: Path, frames: int, bpm: float) -> None:
    """Write the portrait, whose green pulses, as UBFC-rPPG's DATASET_2 has a person."""
    folder.mkdir()
    picture = cv2.resize(
        cv2.imread(str(PORTRAIT))[:384], (WIDTH, HEIGHT), interpolation=cv2.INTER_AREA
    ).astype(np.float32)
    rng, time_s = np.random.default_rng(round(bpm)), np.arange(frames) / FPS
    pulse = np.sin(2 * np.pi * bpm / 60 * time_s)
    with VideoWriter(
        folder / "vid.avi", codec="rawvideo", width=WIDTH, height=HEIGHT, fps=FPS
    ) as video:
        for level in pulse:
            noisy = picture - level * np.array([0.5, 1.5, 0.7]) + rng.normal(size=picture.shape)
            video.add(np.clip(noisy, 0, 255).astype(np.uint8))
    rows = (pulse + 50, np.full(frames, bpm), time_s)
    text = (" \n".join("   ".join(f"{value:.7e}" for value in row) for row in rows)) + "\n"
    (folder / "ground_truth.txt").write_text(text)


def train_and_read(name: str, root: Path) -> str:
    """Return the row of one network."""
    torch.set_num_threads(1)
    whole, _ = load_dataset_2(root / "DATASET_2", cache=root / "cache")
    data = replace(whole, train=whole.train[:1], test=whole.train[1:])
    ends_s: dict[int, float] = {}                   # of each step, and the start as 0
    trained = train_beside(
        name, data, Recipe(teacher_epochs=1, precision="float32"), device=torch.device("cpu"),
        on_progress=lambda _, done, all_: ends_s.setdefault(done, time.process_time()),
    )
    figures, net, spec = assess(trained.videos), trained.net, networks()[name]
    assert isinstance(net, PublishedNet)
    assert np.isfinite(figures["mae_bpm"])
    reads = net.reads
    clip = f"{reads.clip} frames" + (f" of {reads.size}x{reads.size}" if reads.size else "")
    peak_gb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    cells = (
        spec.title, clip, str(spec.batch), f"{count_parameters(net):,}", str(len(ends_s) - 1),
        f"{np.diff(list(ends_s.values())).mean():.1f}", f"{time.process_time():.0f}",
        f"{peak_gb:.1f}",
    )
    return "| " + " | ".join(cells) + " |"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("names", nargs="*", default=list(networks()))
    names = parser.parse_args().names
    print(
        "| | a clip | clips a step | weights | steps | s a step | s in all | peak GB |\n"
        "|---|---|---|---|---|---|---|---|", flush=True,
    )
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        (root / "DATASET_2").mkdir()
        for (person, frames), bpm in zip(FRAMES.items(), (70.0, 80.0), strict=True):
            write_person(root / "DATASET_2" / person, frames, bpm)
        spawn = multiprocessing.get_context("spawn")
        for name in names:
            with spawn.Pool(1) as pool:
                print(pool.apply(train_and_read, (name, root)), flush=True)


if __name__ == "__main__":
    main()
