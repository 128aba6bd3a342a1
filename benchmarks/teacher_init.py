"""Ways to train a teacher that starts from another, on a few people: rates, and frozen statistics.

`python -m benchmarks.teacher_init DATA [--init shipped] [--seeds 3] [--epochs 12]`; DATA holds
curated folders, such as those of `acq demo`. A row a way: from scratch, not trained at all, and
trained at some rates, with the statistics of its batch normalisation learnt or kept. The errors
are of the held-out side, in the mean over the seeds, with the lowest and the highest.
"""

import argparse
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor, nn

from models.data.clips import Batch, Clips
from models.data.curated import load_curated
from models.data.videos import TrainingData
from models.distillation.distill import label_loss
from models.evaluation.assess import assess
from models.evaluation.inference import predict_changes
from models.evaluation.mean_rate import count_missing
from models.evaluation.video_result import evaluate_changes
from models.nets.can import Teacher
from models.nets.checkpoint import load_checkpoint
from models.training.fit import fit
from models.training.recipe import Recipe
from models.training.teacher_init import check_not_tested, read_teacher_init

RATE = Recipe().learning_rate                # from scratch
FACTORS = (1.0, 0.3, 0.1, 0.03)


@dataclass(frozen=True)
class Way:
    """A way to train the teacher."""

    name: str
    factor: float                   # of the rate from scratch; 0: not trained
    starts: bool = True
    keeps_statistics: bool = False


WAYS = [
    Way("from scratch", 1.0, starts=False), Way("started, not trained", 0.0),
    *(Way(f"started, rate x {factor:g}", factor) for factor in FACTORS),
    *(Way(f"the same x {factor:g}, statistics kept", factor, keeps_statistics=True)
      for factor in FACTORS[1:3]),
]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("data", type=Path)
    parser.add_argument("--init", type=Path, default=Path("shipped"))
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--epochs", type=int, default=Recipe().teacher_epochs)
    options = parser.parse_args()
    init = read_teacher_init(options.init, options.data)
    data = load_curated(options.data, of_today=False)
    check_not_tested(init, [data])
    start = load_checkpoint(init.file.path).net
    assert isinstance(start, Teacher)
    print(f"{init.named} (sha256 {init.sha256[:12]}), which had learnt from {init.learnt_from}")
    for way in WAYS:
        recipes = [
            Recipe(teacher_epochs=options.epochs, seed=seed, learning_rate=way.factor * RATE)
            for seed in range(options.seeds if way.factor else 1)
        ]
        found = [_train_and_assess(way, recipe, data, start) for recipe in recipes]
        for name, unit in (("mae_bpm", "bpm"), ("snr_db", "dB")):
            values = [figures[name] for figures in found]
            print(
                f"{way.name:40} {name:8} {sum(values) / len(values):6.2f} {unit} "
                f"[{min(values):.2f}, {max(values):.2f}]", flush=True,
            )


def _train_and_assess(way: Way, recipe: Recipe, data: TrainingData, start: Teacher) -> dict:
    """Train as `models.training.train` does, and assess on the held-out side."""
    torch.manual_seed(recipe.seed)
    net = _KeepsStatistics() if way.keeps_statistics else Teacher()
    if way.starts:
        net.load_state_dict(start.state_dict())

    def loss(batch: Batch) -> tuple[Tensor, dict[str, Tensor]]:
        label = label_loss(net(batch.motion, batch.appearance).pulse, batch)
        return label, {"label": label.detach()}

    if way.factor:
        clips = Clips(
            data.train, clip=recipe.clip, batch=recipe.batch_clips, seed=recipe.seed,
            device=torch.device("cpu"), shift=recipe.shift,
        )
        net.to(memory_format=torch.channels_last)
        fit(net, loss, clips, recipe, epochs=recipe.teacher_epochs, stage=way.name)
    return assess(count_missing(
        (
            evaluate_changes(predict_changes(net, video, clip=recipe.clip), video)
            for video in data.test
        ),
        data,
    ))


class _KeepsStatistics(Teacher):
    """A teacher whose batch normalisation keeps what it started with."""

    def train(self, mode: bool = True) -> "_KeepsStatistics":
        super().train(mode)
        for module in self.modules():
            if isinstance(module, nn.BatchNorm2d):
                module.eval()
        return self


if __name__ == "__main__":
    main()
