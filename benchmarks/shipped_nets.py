"""Train the networks that ship with acq, on virtual people of three kinds.

`python -m benchmarks.shipped_nets student --folder F [--epochs 60]`, and the same for `teacher`,
which begins as a student where `--grow STUDENT` names one (`benchmarks.grown_teacher`). A batch has
12 clips of 64 pairs of frames: four of each kind of people who are drawn without end
(`models.drawn`), and four of 120 people who are rendered whole, filmed and averaged first
(`benchmarks.rate_people`, from number 5,001 on, which no calibration and no check has). It goes on
where it was stopped; an epoch is 100 batches. The weights are in F, as a checkpoint and, of a
student, as the ONNX files that ship. No real person is in it, and none chooses it.
"""

import argparse
import json
import time
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict, replace
from functools import partial
from hashlib import sha256
from importlib.metadata import version
from pathlib import Path

import numpy as np
import torch

from benchmarks.grown_teacher import grow
from benchmarks.rate_people import PULSE, SEED, keep_person, kind_of
from dataset.face.frames import UNIT
from dataset.people import Drawn, LearntFrom, Person
from models.data.clips import Batch
from models.distillation.distill import label_loss, shape_loss
from models.drawn import clips as drawn_clips
from models.drawn.batches import DrawnClips, to_batch
from models.export.export import convert_net
from models.export.quantise import quantise
from models.export.verify import verify_net
from models.nets.can import PAIRS_PER_MASK, Student, StudentConfig, Teacher, TeacherConfig
from models.nets.checkpoint import load_checkpoint, save_checkpoint
from models.training.fit import fit
from models.training.recipe import Recipe

DRAWN, RENDERED = 8, 4          # clips of a batch
CLIPS, PAIRS, PER_EPOCH = DRAWN + RENDERED, 64, 100
PEOPLE = [number for number in range(5001, 5121) if kind_of(number) == PULSE]
RANGES_SEED = 7          # of the clips from which the ranges of int8 are taken
RECIPE = Recipe(
    learning_rate=2e-3, weight_decay=1e-4, batch_clips=CLIPS, shape_weight=0.5, shift=0
)
# little dropout: nobody is seen twice
NETS = {
    "student": lambda: Student(StudentConfig(dropout=0.1)),
    "teacher": lambda: Teacher(TeacherConfig(dropout=0.1, dropout_hidden=0.1)),
}


class ShippedClips:
    """Batches of people who are drawn and of people who were rendered."""

    device = torch.device("cpu")

    def __init__(self, people: list[Path], seed: int) -> None:
        self.seed = seed
        self.drawn = DrawnClips(
            clips=DRAWN, pairs=PAIRS, per_epoch=PER_EPOCH, seed=seed, device=self.device
        )
        self.rendered = [
            (found["frames"], found["pulse"].astype(np.float32), found["time_s"])
            for path in people if "frames" in (found := np.load(path))    # empty: no face was seen
            and len(found["frames"]) > PAIRS
        ]

    def __len__(self) -> int:
        """Return the number of batches of an epoch."""
        return PER_EPOCH

    def epoch(self, number: int) -> Iterator[Batch]:
        """Yield the batches of one epoch."""
        generator = torch.Generator().manual_seed(self.seed * 1_000_003 + number)
        for drawn in self.drawn.epoch(number):
            rendered = to_batch(self._part_of_each(generator), generator)
            yield Batch(*(
                torch.cat([getattr(drawn, name), getattr(rendered, name)])
                for name in ("motion", "appearance", "ppg_change")
            ))

    def _part_of_each(self, generator: torch.Generator) -> drawn_clips.Drawn:
        """Draw parts of clips of people who were rendered, half of them mirrored."""
        def below(limit: int) -> int:
            return int(torch.randint(limit, (1,), generator=generator))

        frames, pulses, times = [], [], []
        for _ in range(RENDERED):
            of_person, pulse, time_s = self.rendered[below(len(self.rendered))]
            at = below(len(of_person) - PAIRS)
            part = torch.from_numpy(of_person[at : at + PAIRS + 1].astype(np.float32) / UNIT)
            frames.append((part.flip(2) if below(2) else part).permute(0, 3, 1, 2).clamp(min=0.5))
            pulses.append(torch.from_numpy(pulse[at : at + PAIRS + 1]))
            times.append(torch.from_numpy(time_s[at : at + PAIRS + 1]))
        not_used = torch.full((RENDERED,), torch.nan)
        return drawn_clips.Drawn(
            torch.stack(frames), torch.stack(times), torch.stack(pulses), *[not_used] * 4
        )


def train(net: Student | Teacher, clips: ShippedClips, recipe: Recipe, state: Path) -> None:
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
    frames = motion_to_start_from().contiguous().numpy()
    quantise(into, into.with_name(f"{into.stem}-int8.onnx"), frames=frames)


def motion_to_start_from() -> torch.Tensor:
    """Return the motion of 16 clips, for the ranges of int8 and the statistics of new layers."""
    clips = DrawnClips(
        clips=16, pairs=PAIRS, per_epoch=1, seed=RANGES_SEED, device=torch.device("cpu")
    )
    return torch.cat([batch.motion for batch in clips.epoch(0)])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("net", choices=sorted(NETS))
    parser.add_argument("--folder", type=Path, required=True)
    parser.add_argument("--epochs", type=int, default=60)
    parser.add_argument("--init", type=Path, help="a checkpoint of a training before it")
    parser.add_argument("--grow", type=Path, help="a student, as which a teacher begins")
    parser.add_argument("--lr", type=float, default=RECIPE.learning_rate)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    options.folder.mkdir(parents=True, exist_ok=True)
    recipe = replace(
        RECIPE, epochs=options.epochs, seed=options.seed, learning_rate=options.lr
    )
    with ProcessPoolExecutor(options.threads) as pool:      # forked before torch has threads
        make = partial(keep_person, options.folder, "rendered")
        clips = ShippedClips(list(pool.map(make, PEOPLE)), recipe.seed)
    torch.manual_seed(recipe.seed)
    net = NETS[options.net]().to(memory_format=torch.channels_last)
    people = LearntFrom(
        tuple(Person(f"S{number}", "virtual", SEED) for number in PEOPLE),
        (Drawn(recipe.seed, recipe.epochs * PER_EPOCH, DRAWN),),
    )
    if start := options.init or options.grow:
        before = load_checkpoint(start)
        if options.init:
            net.load_state_dict(before.net.state_dict())
        else:
            assert isinstance(before.net, Student)
            assert isinstance(net, Teacher)
            grow(before.net, net, motion_to_start_from())
        assert before.learnt_from, f"{start} does not say whom it was trained on"
        people = before.learnt_from + people
    state = options.folder / f"{options.net}-{options.seed}-{options.epochs}.state"
    train(net, clips, recipe, state)
    origin = {"people": people.as_dict(), "recipe": asdict(recipe), "pairs": PAIRS}
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
