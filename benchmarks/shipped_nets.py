"""Train the networks that ship with acq, on people who are drawn without end (`models.drawn`).

`python -m benchmarks.shipped_nets student --folder F [--epochs 24]`, and the same for `teacher`. It
goes on where it was stopped. The weights are in F, as a checkpoint; no real person is in it, and
none chooses it.
"""

import argparse
import json
import time
from dataclasses import asdict, replace
from hashlib import sha256
from importlib.metadata import version
from pathlib import Path

import torch

from models.data.clips import Batch
from models.distillation.distill import label_loss, shape_loss
from models.drawn.clips import DrawnClips
from models.nets.can import PAIRS_PER_MASK, Student, StudentConfig, Teacher, TeacherConfig
from models.nets.checkpoint import save_checkpoint
from models.training.fit import fit
from models.training.recipe import Recipe

CLIPS, PAIRS, PER_EPOCH = 16, 64, 100
RECIPE = Recipe(
    learning_rate=2e-3, weight_decay=1e-4, clip=PAIRS, batch_clips=CLIPS, shape_weight=0.5, shift=0
)
# without dropout: nobody is seen twice
NETS = {
    "student": lambda: Student(StudentConfig(dropout=0.0)),
    "teacher": lambda: Teacher(TeacherConfig(dropout=0.0, dropout_hidden=0.0)),
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("net", choices=sorted(NETS))
    parser.add_argument("--folder", type=Path, required=True)
    parser.add_argument("--epochs", type=int, default=24, help=f"of {PER_EPOCH} batches")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    options.folder.mkdir(parents=True, exist_ok=True)
    name = f"{options.net}-{options.seed}-{options.epochs}"
    recipe = replace(RECIPE, epochs=options.epochs, seed=options.seed)
    torch.manual_seed(recipe.seed)
    net = NETS[options.net]().to(memory_format=torch.channels_last)
    clips = DrawnClips(
        clips=CLIPS, pairs=PAIRS, per_epoch=PER_EPOCH, seed=recipe.seed, device=torch.device("cpu")
    )

    def loss(batch: Batch) -> tuple[torch.Tensor, dict[str, torch.Tensor]]:
        pulse = net(batch.motion, batch.appearance).pulse
        a_clip = batch._replace(appearance=batch.appearance[:: PAIRS // PAIRS_PER_MASK])
        label, shape = label_loss(pulse, batch), shape_loss(pulse, a_clip)
        parts = {"label": label.detach(), "shape": shape.detach()}
        return label + recipe.shape_weight * shape, parts

    begun = time.monotonic()

    def on_progress(stage: str, done: int, total: int) -> None:
        if done % PER_EPOCH == 0:
            print(f"{done} of {total} batches, {time.monotonic() - begun:.0f} s", flush=True)

    curve = fit(
        net, loss, clips, recipe, epochs=recipe.epochs, stage=name,
        state_file=options.folder / f"{name}.state", on_progress=on_progress,
    )
    for epoch in curve:
        print(" ".join(f"{part} {value:.3f}" for part, value in epoch.items()))
    people = {"drawn": {"seed": recipe.seed, "batches": recipe.epochs * PER_EPOCH, "clips": CLIPS}}
    digest = sha256(json.dumps([people, asdict(recipe)], sort_keys=True).encode()).hexdigest()
    save_checkpoint(
        options.folder / f"{name}.safetensors", net, split_hash=digest, data_hash=digest,
        about={
            "recipe": asdict(recipe), "people": people, "versions": {"acq": version("acq")},
            "subjects": {"train": [], "test": []},
        },
    )


if __name__ == "__main__":
    main()
