"""The choices in training the student that ships: `python -m benchmarks.training_choices FOLDER`.

Students of the shipped kind, from scratch, each with one choice changed: clips of 10 pairs for
those of 64, no loss of the pulse's shape, the plain difference of frames for the normalised one,
all at 30 frames/s for 7 to 60, and the shipped teacher's answer as a second target. All learn from
the same number of pairs of people who are drawn without end (`models.drawn`), none from people who
are rendered: two of three clips are of `draw`, the others of `draw_plain`. A budget that is small
(`--batches`) and equal says which choice learns faster, not which is better in the end; the shipped
student, of which nothing is trained here, stands beside, and POS.

All are read on 150 people drawn by a seed that nothing has learnt from or was chosen by, 30 at each
of five frame rates: windows of 10 s, one each second of 14, each method alone and nothing withheld,
from 42 bpm on (a few hearts are slower). A person's figure is the mean over seeds; intervals are
over people.

Each network's figures are kept in FOLDER and not made again; a training that was stopped goes on.
`ROW:SEED` names do these alone, so that two processes can share the work. `--table` prints what is
there. One thread; about 10 minutes a network, the taught one 30.
"""

import argparse
import json
import math
from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import cycle, islice
from pathlib import Path

import numpy as np
import torch

from acquire.atomic import atomic_file
from benchmarks.rate_people import DRAWN_BOX, true_bpm
from benchmarks.shipped_nets import CLIPS, NETS, PAIRS, RECIPE
from dataset.face.frames import UNIT, FaceFrames, Motion
from dataset.published_colour.methods import read_pulse
from dataset.signals.filters import WINDOW_S, bandpass, heart_rate, highest_hz
from dataset.signals.windows import STEP_S, even_grid, sliding_windows, to_even_grid, window_length
from models.board.find_net import TEACHER
from models.board.onnx_net import SHIPPED
from models.data.clips import Batch, as_input
from models.distillation.config import DistillConfig
from models.distillation.distill import label_loss
from models.drawn.batches import to_batch
from models.drawn.clips import Drawn, draw
from models.drawn.plain_clips import draw_plain
from models.nets.can import Student, Teacher
from models.nets.checkpoint import load_checkpoint, save_checkpoint
from models.published_nets.losses import negative_pearson
from models.training.fit import fit

SEED = 9 * 10**9            # of the people who are read
PEOPLE, PERSON_S = 150, 14.0
RATES_FPS = (10.0, 15.0, 25.0, 30.0, 60.0)
RIGHT_BPM, DRAWS = 5.0, 2000
AT_ONCE = 4                 # clips that are drawn together
# short clips: batches that are cut from people drawn together, and the pairs drawn of each person
POOL, POOL_PEOPLE, POOL_PAIRS = 10, 128, 60


@dataclass(frozen=True)
class Choice:
    """How one row's student is trained."""

    title: str
    clip: int = PAIRS                           # pairs of a clip
    shape_weight: float = RECIPE.shape_weight
    motion: Motion = "normalised"
    fixed_fps: float | None = None
    teacher_weight: float = 0.0                 # of the teacher's answer


CHOICES = {
    "base": Choice("base: clips of 64 pairs, shape, normalised, 7 to 60 frames/s"),
    "short": Choice("clips of 10 pairs", clip=10),
    "no-shape": Choice("no loss of the pulse's shape", shape_weight=0.0),
    "difference": Choice("plain difference of frames", motion="difference"),
    "fixed-rate": Choice("all at 30 frames/s", fixed_fps=30.0),
    "taught": Choice("the teacher's answer, too", teacher_weight=DistillConfig().weight_pulse),
}
NOT_TRAINED = {
    "shipped": "the shipped student",
    "shipped-standardised": "the shipped student on standardised differences", "pos": "POS",
}


class ChosenClips:
    """Batches of people who are drawn anew, as a choice has them: 768 pairs each, on average."""

    device = torch.device("cpu")

    def __init__(self, choice: Choice, seed: int, per_epoch: int) -> None:
        self.choice, self.seed, self.per_epoch = choice, seed, per_epoch

    def __len__(self) -> int:
        """Return the number of batches of an epoch."""
        return self.per_epoch

    def epoch(self, number: int) -> Iterator[Batch]:
        """Yield the batches of one epoch."""
        clip = self.choice.clip
        for index in range(0, self.per_epoch, 1 if clip == PAIRS else POOL):
            generator = torch.Generator().manual_seed(
                (self.seed * 1_000_003 + number) * 100_003 + index
            )
            if clip == PAIRS:
                yield self._draw(CLIPS, PAIRS, generator)
                continue
            # parts of the same length of many people, mixed: a batch of short clips has more people
            pool = self._draw(POOL_PEOPLE, POOL_PAIRS, generator)
            mixed = torch.randperm(len(pool.ppg_change) // clip, generator=generator)
            for some in mixed.tensor_split(POOL)[: self.per_epoch - index]:
                pairs = (clip * some[:, None] + torch.arange(clip)).flatten()
                yield Batch(pool.motion[pairs], torch.empty(0), pool.ppg_change[pairs])

    def _draw(self, clips: int, pairs: int, generator: torch.Generator) -> Batch:
        parts = []
        with torch.no_grad():
            for how in islice(cycle((draw, draw_plain, draw)), clips // AT_ONCE):
                drawn = how(AT_ONCE, pairs + 1, generator, fixed_fps=self.choice.fixed_fps)
                part = to_batch(drawn, generator)
                if self.choice.motion == "difference":
                    part = part._replace(motion=drawn.frames.diff(dim=1).flatten(0, 1))
                parts.append(part)
        motion, appearance, change = (
            torch.cat([getattr(part, name) for part in parts])
            for name in ("motion", "appearance", "ppg_change")
        )
        return Batch(motion.contiguous(memory_format=torch.channels_last), appearance, change)


def train(choice: Choice, seed: int, batches: int, state: Path) -> Student:
    """Train one student, from where it was stopped."""
    torch.manual_seed(seed)
    student = NETS["student"]().to(memory_format=torch.channels_last)
    assert isinstance(student, Student)
    teacher = load_checkpoint(SHIPPED / TEACHER).net.eval()
    assert isinstance(teacher, Teacher)

    def loss(batch: Batch) -> tuple[torch.Tensor, dict[str, torch.Tensor]]:
        pulse = student(batch.motion).pulse
        parts = {"label": label_loss(pulse, batch)}
        total = parts["label"]
        if choice.shape_weight:
            predicted, true = (
                changes.reshape(-1, choice.clip).cumsum(dim=1)
                for changes in (pulse, batch.ppg_change)
            )
            parts["shape"] = negative_pearson(predicted, true)
            total = total + choice.shape_weight * parts["shape"]
        if choice.teacher_weight:
            with torch.no_grad():
                answer = teacher(batch.motion, batch.appearance).pulse
            parts["answer"] = torch.nn.functional.mse_loss(pulse, answer)
            total = total + choice.teacher_weight * parts["answer"]
        return total, {name: part.detach() for name, part in parts.items()}

    per_epoch = math.gcd(batches, 100)
    recipe = replace(RECIPE, seed=seed, epochs=batches // per_epoch)
    fit(
        student, loss, ChosenClips(choice, seed, per_epoch), recipe, epochs=recipe.epochs,
        stage=state.stem, state_file=state,
    )
    return student.eval()


def errors_of(net: Student | None, motion: Motion, number: int) -> list[float]:
    """Return a held-out person's errors [bpm], one a window; without a network those of POS."""
    fps = RATES_FPS[number % len(RATES_FPS)]
    generator = torch.Generator().manual_seed(SEED + number)
    with torch.no_grad():
        person = draw(1, round(PERSON_S * fps), generator, fixed_fps=fps)
    pictures = person.frames[0].permute(0, 2, 3, 1).numpy()
    frames = FaceFrames(np.rint(pictures * UNIT).astype(np.uint16), DRAWN_BOX, "", motion)
    time_s = person.time_s[0].numpy().astype(np.float64)
    _, fs_hz = even_grid(time_s)
    if net is None:
        pulse = read_pulse("pos", to_even_grid(frames.colour(), time_s), None, fs_hz)
    else:
        with torch.no_grad():
            changes = net(as_input(torch.from_numpy(frames.motion()))).pulse.numpy()
        pulse = to_even_grid(np.cumsum([0.0, *changes]), time_s)
    return window_errors(bandpass(pulse, fs_hz, high_hz=highest_hz(fs_hz)), person, fs_hz)


def window_errors(pulse: np.ndarray, person: Drawn, fs_hz: float) -> list[float]:
    """Return the error [bpm] of a pulse on the person's even grid in each window with a truth."""
    time_s = person.time_s[0].numpy().astype(np.float64)
    length, step = window_length(fs_hz)
    true = sliding_windows(to_even_grid(person.pulse[0].numpy(), time_s), length, step=step)
    errors = []
    for of_pulse, of_heart in zip(
        sliding_windows(pulse, length, step=step), true, strict=True
    ):
        true_rate = true_bpm(of_heart, np.arange(length) / fs_hz)
        if not np.isnan(true_rate):
            rate = heart_rate(of_pulse, fs_hz, high_hz=highest_hz(fs_hz))
            errors.append(round(abs(rate - true_rate), 2))
    return errors


def keep_figures(folder: Path, name: str, batches: int) -> None:
    """Train and read what a name says, `ROW:SEED` or `shipped` or `pos`, where it is not there."""
    path = figures_file(folder, name)
    if path.exists():
        return
    row, _, seed = name.partition(":")
    net, motion = None, "normalised"
    if row in ("shipped", "shipped-standardised"):
        motion = "standardised" if row == "shipped-standardised" else motion
        net = load_checkpoint(SHIPPED / "student.safetensors").net.eval()
    elif row in CHOICES:
        motion = CHOICES[row].motion
        checkpoint = path.with_name(f"{path.stem}-{batches}.safetensors")
        if not checkpoint.exists():
            net = train(CHOICES[row], int(seed), batches, checkpoint.with_suffix(".state"))
            save_checkpoint(checkpoint, net, split_hash="", data_hash="", about={})
        net = load_checkpoint(checkpoint).net.eval()
    assert net is None or isinstance(net, Student)
    errors = [errors_of(net, motion, number) for number in range(PEOPLE)]
    with atomic_file(path) as part:
        part.write_text(json.dumps({"batches": batches, "errors_bpm": errors}))
    print(f"{name}: {np.mean([np.mean(one) for one in errors if one]):.1f} bpm", flush=True)


def figures_file(folder: Path, name: str) -> Path:
    return folder / f"{name.replace(':', '-')}.json"


def read_figures(folder: Path, row: str, batches: int) -> list[np.ndarray]:
    """Return of each seed that is there windows, right ones and summed errors, (3, people)."""
    pattern = f"{row}.json" if row in NOT_TRAINED else f"{row}-[0-9]*.json"
    found = []
    for path in sorted(folder.glob(pattern)):
        kept = json.loads(path.read_text())
        if row not in NOT_TRAINED and kept["batches"] != batches:
            raise SystemExit(f"{path} is of {kept['batches']} batches, not of {batches}")
        errors = [np.array(one) for one in kept["errors_bpm"]]
        found.append(np.array([
            [len(one), (one <= RIGHT_BPM).sum(), one.sum()] for one in errors
        ], np.float64).T)
    return found


def with_interval(over: np.ndarray, windows: np.ndarray, digits: int) -> str:
    """Return the sum over people by the sum of their windows, with 95 % over people."""
    drawn = np.random.default_rng(0).integers(len(over), size=(DRAWS, len(over)))
    low, high = np.percentile(over[drawn].sum(axis=1) / windows[drawn].sum(axis=1), [2.5, 97.5])
    return f"{over.sum() / windows.sum():.{digits}f} [{low:.{digits}f}, {high:.{digits}f}]"


def print_tables(folder: Path, batches: int) -> None:
    """Print the share of right windows and the mean error, in all and by frame rate."""
    titles = {name: choice.title for name, choice in CHOICES.items()} | NOT_TRAINED
    seeds = {row: read_figures(folder, row, batches) for row in titles}
    figures = {row: np.mean(found, axis=0) for row, found in seeds.items() if found}
    rate = np.arange(PEOPLE) % len(RATES_FPS)
    kinds = [np.full(PEOPLE, True), *(rate == at for at in range(len(RATES_FPS)))]
    heads = ["all", *(f"{fps:g} frames/s" for fps in RATES_FPS)]
    for at, words, scale, digits in (
        (1, "windows within 5 bpm [%]", 100, 0), (2, "mean absolute error [bpm]", 1, 1)
    ):
        print(f"\n| {words} | seeds | {' | '.join(heads)} | more than base, all |")
        print("|---" * (len(heads) + 3) + "|")
        for row, of_row in figures.items():
            windows, over = of_row[0], scale * of_row[at]
            cells = [with_interval(over[kind], windows[kind], digits) for kind in kinds]
            more = ""
            if row != "base" and "base" in figures:
                more = with_interval(over - scale * figures["base"][at], windows, 1)
            count = "" if row in NOT_TRAINED else len(seeds[row])
            print(f"| {titles[row]} | {count} | {' | '.join(cells)} | {more} |")
    if figures:
        windows = next(iter(figures.values()))[0]
        print(f"\n{(windows > 0).sum()} people, {windows.sum():.0f} windows of {WINDOW_S:g} s, one "
              f"each {STEP_S:g} s; 95 % over people; {batches} batches")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("names", nargs="*", metavar="ROW:SEED", help="default: all rows and seeds")
    parser.add_argument("--batches", type=int, default=600)
    parser.add_argument("--seeds", type=int, default=1)
    parser.add_argument("--table", action="store_true", help="print what is there, train nothing")
    options = parser.parse_intermixed_args()
    torch.set_num_threads(1)
    options.folder.mkdir(parents=True, exist_ok=True)
    if not options.table:
        every = [f"{row}:{seed}" for seed in range(options.seeds) for row in CHOICES]
        for name in (*NOT_TRAINED, *(options.names or every)):
            keep_figures(options.folder, name, options.batches)
    print_tables(options.folder, options.batches)


if __name__ == "__main__":
    main()
