"""Training speed, a plain loop beside ours: `python -m benchmarks.training [--device cuda]`.

Plain: float32, one thread, the appearance branch run for every frame, TaT on every frame with its
weight matrices written out. Ours: `models.training.fit.fit` over real `Clips`, as `acq train-kd`
runs it: all threads, bfloat16 where the processor multiplies it, masks shared by a clip, TaT on a
share of the clips and fused. The images are random: speed does not depend on what they show.
"""

import argparse
import time
from pathlib import Path

import numpy as np
import torch

from dataset.face.box import FaceBox
from models.data.clips import Batch, Clips
from models.data.videos import CuratedVideo
from models.distillation.distill import Distillation, DistillConfig, label_loss
from models.distillation.tat import prepare_target
from models.nets.can import Student, Teacher
from models.training.device import uses_bfloat16
from models.training.fit import fit
from models.training.recipe import Recipe

PAIRS = 1600
# frames/s of the plain loop when it was first measured
FIRST_MEASURED = {"teacher": 99, "student": 482, "student + TaT": 189}


def random_video(pairs: int) -> CuratedVideo:
    rng = np.random.default_rng(0)
    return CuratedVideo(
        folder="train/subject1", subject="S01", session="a", simulated=True,
        motion=torch.from_numpy(
            rng.standard_normal((pairs, 36, 36, 3), dtype=np.float32).astype(np.float16)
        ),
        appearance=torch.from_numpy(rng.integers(0, 256, (pairs, 36, 36, 3), dtype=np.uint8)),
        ppg_change=torch.from_numpy(rng.standard_normal(pairs).astype(np.float32)),
        colour=np.ones((pairs + 1, 3)), ppg=np.zeros(pairs + 1), time_s=np.arange(pairs + 1) / 25,
        video=Path("vid.avi"), box=FaceBox(0, 0, 36, 36),
    )


def speed_of_plain_loop(kind: str, pairs: int, *, batch: int = 64) -> float:
    """Measure the frames/s of the plain loop on one thread."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    torch.manual_seed(0)
    student, teacher = Student(), Teacher()
    distillation = Distillation(student, teacher, DistillConfig())
    trained = {"teacher": teacher, "student": student}.get(kind, distillation)
    if kind == "teacher":
        teacher.train().requires_grad_()
    optimiser = torch.optim.AdamW(trained.parameters())
    data = Batch(torch.randn(batch, 3, 36, 36), torch.rand(batch, 3, 36, 36), torch.randn(batch))

    def step() -> None:
        if kind == "teacher":
            loss = label_loss(teacher(data.motion, data.appearance).pulse, data)
        else:
            output = student(data.motion)
            loss = label_loss(output.pulse, data)
        if kind == "student + TaT":
            with torch.no_grad():
                target = teacher(data.motion, data.appearance)
            for level, tat in distillation.features.items():
                loss = loss + written_out(tat, getattr(output, level), getattr(target, level))
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()

    step()
    begun = time.perf_counter()
    steps = max(2, pairs // batch // 4)
    for _ in range(steps):
        step()
    torch.set_num_threads(threads)
    return steps * batch / (time.perf_counter() - begun)


def written_out(tat: torch.nn.Module, student: torch.Tensor, teacher: torch.Tensor) -> torch.Tensor:
    """Compute TaT with its weight matrices in memory."""
    t = prepare_target(teacher, 1, scaled=True).flatten(2).transpose(1, 2)
    q, v = (embed(student).flatten(2).transpose(1, 2) for embed in (tat.query, tat.value))
    return ((torch.softmax(q @ t.transpose(1, 2), dim=2) @ v - t) ** 2).mean()


def speed_of_fit(kind: str, pairs: int, *, device: torch.device, recipe: Recipe) -> float:
    """Measure the frames/s of `fit`, without its first epoch."""
    torch.manual_seed(0)
    clips = Clips(
        [random_video(pairs)], clip=recipe.clip, batch=recipe.batch_clips, seed=0, device=device,
        shift=recipe.shift,
    )
    student, teacher = Student(), Teacher()
    if kind == "student + TaT":
        trained = Distillation(student, teacher.to(device), DistillConfig(weight_pulse=0.0))
    elif kind == "student + TaT + answer":
        trained = Distillation(student, teacher.to(device), DistillConfig())
    else:
        trained = teacher if kind == "teacher" else student
    trained.to(device, memory_format=torch.channels_last)

    def loss(batch: Batch) -> tuple[torch.Tensor, dict[str, torch.Tensor]]:
        if isinstance(trained, Distillation):
            return trained(batch)[:2]
        return label_loss(trained(batch.motion, batch.appearance).pulse, batch), {}

    fit(trained, loss, clips, recipe, epochs=1)
    begun = time.perf_counter()
    fit(trained, loss, clips, recipe, epochs=2)
    return 2 * pairs / (time.perf_counter() - begun)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--frames", type=int, default=PAIRS)
    options = parser.parse_args()
    device, recipe = torch.device(options.device), Recipe()
    threads = torch.get_num_threads()
    precision = "bfloat16" if uses_bfloat16(recipe.precision, device) else "float32"
    ours = f"ours, {device}, {threads} threads, {precision}"
    head = ("frames/s", "first measured", "plain, one thread", ours, "times plain", "times first")
    print(f"| {' | '.join(head)} |")
    print("|---|---|---|---|---|---|")
    for kind in (*FIRST_MEASURED, "student + TaT + answer"):
        fast = speed_of_fit(kind, options.frames, device=device, recipe=recipe)
        if kind in FIRST_MEASURED:
            slow = speed_of_plain_loop(kind, PAIRS)
            first = FIRST_MEASURED[kind]
            print(
                f"| {kind} | {first} | {slow:.0f} | {fast:.0f} | {fast / slow:.1f} | "
                f"{fast / first:.1f} |",
                flush=True,
            )
        else:
            print(f"| {kind} | | | {fast:.0f} | | |", flush=True)


if __name__ == "__main__":
    main()
