"""Train the networks that ship with acq, on people who are drawn without end (`models.drawn`).

`python -m benchmarks.shipped_nets student --folder F [--epochs 26]`, and the same for `teacher`. It
goes on where it was stopped: an epoch is 100 batches of 16 clips of 64 pairs of frames. The weights
are in F, as a checkpoint and, of a student, as the ONNX files that ship. No real person is in it,
and none chooses it.
"""

import argparse
import json
import time
from dataclasses import asdict, replace
from hashlib import sha256
from importlib.metadata import version
from pathlib import Path

import torch

from dataset.people import Drawn, LearntFrom
from models.data.clips import Batch
from models.distillation.distill import label_loss, shape_loss
from models.drawn.clips import DrawnClips
from models.export.export import convert_net
from models.export.quantise import quantise
from models.export.verify import verify_net
from models.nets.can import PAIRS_PER_MASK, Student, StudentConfig, Teacher, TeacherConfig
from models.nets.checkpoint import load_checkpoint, save_checkpoint
from models.training.fit import fit
from models.training.recipe import Recipe

CLIPS, PAIRS, PER_EPOCH = 16, 64, 100
RANGES_SEED = 7          # of the clips from which the ranges of int8 are taken
RECIPE = Recipe(
    learning_rate=2e-3, weight_decay=1e-4, batch_clips=CLIPS, shape_weight=0.5, shift=0
)
# little dropout: nobody is seen twice
NETS = {
    "student": lambda: Student(StudentConfig(dropout=0.1)),
    "teacher": lambda: Teacher(TeacherConfig(dropout=0.1, dropout_hidden=0.1)),
}


def train(net: Student | Teacher, recipe: Recipe, state: Path) -> None:
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
        net, loss, clips, recipe, epochs=recipe.epochs, stage=state.stem, state_file=state,
        on_progress=on_progress,
    )
    for epoch in curve:
        print(" ".join(f"{part} {value:.3f}" for part, value in epoch.items()))


def write_onnx(checkpoint: Path) -> None:
    """Write a student in float32 and in 8-bit integers for ONNX Runtime, beside its checkpoint."""
    loaded = load_checkpoint(checkpoint)
    into = checkpoint.with_suffix(".onnx")
    into.write_bytes(convert_net("student", checkpoint, loaded).SerializeToString())
    print(f"{verify_net(into, loaded.net):.1e} between ONNX Runtime and torch")
    clips = DrawnClips(
        clips=CLIPS, pairs=PAIRS, per_epoch=1, seed=RANGES_SEED, device=torch.device("cpu")
    )
    frames = torch.cat([batch.motion for batch in clips.epoch(0)]).contiguous().numpy()
    quantise(into, into.with_name(f"{into.stem}-int8.onnx"), frames=frames)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("net", choices=sorted(NETS))
    parser.add_argument("--folder", type=Path, required=True)
    parser.add_argument("--epochs", type=int, default=26)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    options.folder.mkdir(parents=True, exist_ok=True)
    recipe = replace(RECIPE, epochs=options.epochs, seed=options.seed)
    torch.manual_seed(recipe.seed)
    net = NETS[options.net]().to(memory_format=torch.channels_last)
    state = options.folder / f"{options.net}-{options.seed}-{options.epochs}.state"
    train(net, recipe, state)
    people = LearntFrom(drawn=(Drawn(recipe.seed, recipe.epochs * PER_EPOCH, CLIPS),)).as_dict()
    origin = {"people": people, "recipe": asdict(recipe), "pairs": PAIRS}
    digest = sha256(json.dumps(origin, sort_keys=True).encode()).hexdigest()
    checkpoint = options.folder / f"{options.net}.safetensors"
    save_checkpoint(
        checkpoint, net, split_hash=digest, data_hash=digest,
        about={
            **origin, "subjects": {"train": [], "test": []}, "versions": {"acq": version("acq")},
        },
    )
    if isinstance(net, Student):
        write_onnx(checkpoint)


if __name__ == "__main__":
    main()
