"""Training speed, the plain way beside ours, in one process: `python -m benchmarks.training
[--device cuda]`.

Plain: float32, one thread, the appearance branch asked for every frame, TaT on every frame with its
weight matrices written out. Ours: `models.training.train.fit` over real `Clips`, as `acq train-kd`
runs it: all threads, bfloat16 where the processor multiplies it, masks shared by a clip, TaT on a
share of the clips and fused. Random images: speed does not depend on what they show.
"""

import argparse
import time

import numpy as np
import torch

from models.data.clips import Batch, Clips
from models.data.videos import CuratedVideo
from models.distillation.distill import Distillation, DistillConfig, label_loss
from models.distillation.tat import standardise
from models.nets.can import Student, Teacher
from models.training.device import uses_bfloat16
from models.training.fit import fit
from models.training.recipe import Recipe

PAIRS = 1600
# frames/s that the plain way was first measured at
ONE_WAY = {"teacher": 99, "student": 482, "student + TaT": 189}


def recording(pairs: int) -> CuratedVideo:
    rng = np.random.default_rng(0)
    return CuratedVideo(
        folder="train/subject1",
        subject="S01",
        session="a",
        simulated=True,
        motion=torch.from_numpy(
            rng.standard_normal((pairs, 36, 36, 3), dtype=np.float32).astype(np.float16)
        ),
        appearance=torch.from_numpy(rng.integers(0, 256, (pairs, 36, 36, 3), dtype=np.uint8)),
        colour=np.ones((pairs + 1, 3)),
        ppg_change=torch.from_numpy(rng.standard_normal(pairs).astype(np.float32)),
        ppg=np.zeros(pairs + 1),
        time_s=np.arange(pairs + 1) / 25,
        video=None,
        box=None,  # type: ignore[arg-type]
    )


def plain(kind: str, pairs: int, batch: int = 64) -> float:
    """Give frames/s of the plain way, one thread."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    torch.manual_seed(0)
    student, teacher = Student(), Teacher()
    whole = (
        teacher
        if kind == "teacher"
        else student
        if kind == "student"
        else Distillation(student, teacher, DistillConfig())
    )
    optimiser = torch.optim.AdamW(whole.parameters())
    one = Batch(torch.randn(batch, 3, 36, 36), torch.rand(batch, 3, 36, 36), torch.randn(batch))

    def step() -> None:
        if kind == "teacher":
            loss = label_loss(teacher(one.motion, one.appearance).pulse, one)
        else:
            said = student(one.motion)
            loss = label_loss(said.pulse, one)
        if kind == "student + TaT":
            with torch.no_grad():
                wanted = teacher(one.motion, one.appearance)
            for level, compare in whole.features.items():    # type: ignore[union-attr]
                loss = loss + written_out(compare, getattr(said, level), getattr(wanted, level))
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


def written_out(tat: torch.nn.Module, said: torch.Tensor, wanted: torch.Tensor) -> torch.Tensor:
    t = standardise(wanted, 1).flatten(2).transpose(1, 2)
    q, v = (embed(said).flatten(2).transpose(1, 2) for embed in (tat.query, tat.value))  # type: ignore[operator]
    return ((torch.softmax(q @ t.transpose(1, 2), dim=2) @ v - t) ** 2).mean()


def ours(kind: str, pairs: int, device: torch.device, recipe: Recipe) -> float:
    """Give frames/s of `fit`, the first epoch left out."""
    torch.manual_seed(0)
    clips = Clips(
        [recording(pairs)], clip=recipe.clip, batch=recipe.batch_clips, seed=0, device=device,
        shift=recipe.shift,
    )
    student, teacher = Student(), Teacher()
    if kind == "student + TaT":
        whole = Distillation(student, teacher.to(device), DistillConfig(weight_pulse=0.0))
    elif kind == "student + TaT + answer":
        whole = Distillation(student, teacher.to(device), DistillConfig())
    else:
        whole = teacher if kind == "teacher" else student
    whole.to(device, memory_format=torch.channels_last)    # type: ignore[call-overload]

    def loss(batch: Batch) -> tuple[torch.Tensor, dict[str, torch.Tensor]]:
        if isinstance(whole, Distillation):
            return whole(batch)[:2]
        label = label_loss(
            (
                teacher(batch.motion, batch.appearance)
                if kind == "teacher"
                else student(batch.motion)
            ).pulse,
            batch,
        )
        return label, {}

    fit(whole, loss, clips, recipe, epochs=1)
    begun = time.perf_counter()
    fit(whole, loss, clips, recipe, epochs=2)
    return 2 * pairs / (time.perf_counter() - begun)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--frames", type=int, default=PAIRS)
    options = parser.parse_args()
    device, recipe = torch.device(options.device), Recipe()
    threads = torch.get_num_threads()
    how = "bfloat16" if uses_bfloat16(recipe.precision, device) else "float32"
    ours_is = f"ours, {device}, {threads} threads, {how}"
    head = (
        "frames/s", "first measured", "plain, one thread", ours_is, "times plain", "times first",
    )
    print(f"| {' | '.join(head)} |")
    print("|---|---|---|---|---|---|")
    for kind in (*ONE_WAY, "student + TaT + answer"):
        fast = ours(kind, options.frames, device, recipe)
        if kind in ONE_WAY:
            slow = plain(kind, PAIRS)
            first = ONE_WAY[kind]
            print(
                f"| {kind} | {first} | {slow:.0f} | {fast:.0f} | {fast / slow:.1f} | "
                f"{fast / first:.1f} |",
                flush=True,
            )
        else:
            print(f"| {kind} | | | {fast:.0f} | | |", flush=True)


if __name__ == "__main__":
    main()
