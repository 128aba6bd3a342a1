"""What the times of labels cost a network: `python -m benchmarks.label_jitter --folder F`.

A student learns from drawn people (`models.drawn`) whose finger was sampled on a simulated rig
(`benchmarks.plants`). The frames are the same for all; the label is the finger's pulse as one way
of placing samples in time has it: by their arrival, by a line through the arrivals, by the middle
of each exchange as NTP does, by the quickest of eight exchanges as LSL does, or as acq does when a
recording closes. Two ways more, all labels late by the same 50 or 200 ms, show what the study can
see. Each clip lies at a place of the rig's two minutes drawn at random. The students are read on
other drawn people, against the true pulse.

So that it takes minutes, the student has a quarter of its channels, and the pulse is 0.3 to 1.5 %
of the mean in green (Wang et al., IEEE TBME 64(7), 2017), stronger than most in `models.drawn`.

All students of a seed start from the same weights and see the same batches, so that they differ by
their labels alone. After `--minutes` it stops and says so; called again with the same folder and
settings it goes on. Every number of the table is of held-out people, a mean over seeds; what a way
costs is the difference to true times, with the 95 % interval by bootstrap over people.
"""

import argparse
import json
import math
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from hashlib import sha256
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from acquire.atomic import atomic_file
from benchmarks import clock
from benchmarks.plants import PLANTS, make
from dataset.signals.filters import bandpass, heart_rate
from dataset.signals.windows import even_grid, to_even_grid
from models.drawn.batches import to_batch
from models.drawn.clips import Drawn, draw
from models.drawn.faces import draw_faces
from models.drawn.time_courses import Pulses, frame_times
from models.metrics.snr import snr_db
from models.nets.can import Student, StudentConfig

WAYS = {
    "true times": lambda made: made.truth_ns,
    "on arrival": clock.arrival,
    "a line": clock.line,
    "NTP's middle": clock.ntp,
    "LSL's quickest": clock.minimum_round_trip,
    "acq": lambda made: clock.whole(made)[0],
    "all 50 ms late": lambda made: made.truth_ns + 50e6,
    "all 200 ms late": lambda made: made.truth_ns + 200e6,
}
_HEIGHTS, _CHANNELS = (0.004, 0.02), (8, 16)
_LEARNING_RATE = 5e-3
_AT_ONCE, _TEST_FRAMES, _TEST_SEED = 4, 257, 900_000
_LEAST_FPS = 15.0                   # of a test clip; slower ones hold too little of the band


@dataclass(frozen=True)
class Setting:
    """What the numbers of one folder have in common."""

    plant: str
    clips: int          # of a batch
    pairs: int          # of a clip
    batches: int        # of a training
    people: int         # that the students are tested on


class Errors:
    """By how much each way is late on one rig, at any time [s]."""

    def __init__(self, plant: str, seed: int) -> None:
        made = make(PLANTS[plant], seed)
        self._t_s = (made.truth_ns - made.truth_ns[0]) / 1e9
        self.late_s = {way: (place(made) - made.truth_ns) / 1e9 for way, place in WAYS.items()}

    def at(self, time_s: Tensor, starts: Tensor) -> dict[str, Tensor]:
        """Return the errors at the frames of N clips, (N, T) each, from `starts` 0 to 1."""
        at_s = time_s - time_s[:, :1]
        at_s = at_s + starts[:, None] * (self._t_s[-1] - at_s.max())
        return {
            way: torch.from_numpy(np.interp(at_s, self._t_s, late)).float()
            for way, late in self.late_s.items()
        }


def draw_with_pulses(n: int, frames: int, seed: int) -> tuple[Drawn, Pulses, torch.Generator]:
    """Draw clips, and their pulses again, which have a value at any time."""
    generator, again = (torch.Generator().manual_seed(seed) for _ in range(2))
    drawn = draw(n, frames, generator, heights=_HEIGHTS)
    time_s, _ = frame_times(n, frames, again)
    draw_faces(n, again)
    pulses = Pulses(n, time_s, again)
    if not torch.equal(pulses.at(time_s), drawn.pulse):
        raise RuntimeError("expected the order of draws of models.drawn.clips.draw, found another")
    return drawn, pulses, generator


def batches(
    setting: Setting, errors: Errors, seed: int, first: int
) -> Iterator[tuple[Tensor, dict[str, Tensor]]]:
    """Yield the frames and each way's labels of one batch after another."""
    for number in range(first, setting.batches):
        motions, labels = [], {way: [] for way in WAYS}
        for part in range(setting.clips // _AT_ONCE):
            drawn, pulses, generator = draw_with_pulses(
                _AT_ONCE, setting.pairs + 1, (seed * 100_003 + number) * 101 + part
            )
            starts = torch.rand(_AT_ONCE, generator=generator)
            for way, late_s in errors.at(drawn.time_s, starts).items():
                change = pulses.at(drawn.time_s - late_s).diff(dim=1)
                labels[way].append((change / change.std(dim=1, keepdim=True)).flatten())
            motions.append(to_batch(drawn, generator).motion)
        yield torch.cat(motions), {way: torch.cat(parts) for way, parts in labels.items()}


class Trial:
    """The students of one seed, one for each way, with what it takes to go on."""

    def __init__(self, setting: Setting, seed: int, state: Path) -> None:
        self.setting, self.seed, self.done, self._state = setting, seed, 0, state
        self.students: dict[str, Student] = {}
        for way in WAYS:
            torch.manual_seed(seed)
            self.students[way] = Student(StudentConfig(channels=_CHANNELS, dropout=0.1))
        self._optimisers = {
            way: torch.optim.AdamW(net.parameters(), lr=_LEARNING_RATE, weight_decay=1e-4)
            for way, net in self.students.items()
        }
        if state.exists():
            saved = torch.load(state, weights_only=True)
            self.done = saved["done"]
            for way in WAYS:
                self.students[way].load_state_dict(saved["students"][way])
                self._optimisers[way].load_state_dict(saved["optimisers"][way])

    def save(self) -> None:
        """Keep the state."""
        with atomic_file(self._state) as part:
            torch.save({
                "done": self.done,
                "students": {way: net.state_dict() for way, net in self.students.items()},
                "optimisers": {way: one.state_dict() for way, one in self._optimisers.items()},
            }, part)

    def train(self, errors: Errors, until: float) -> bool:
        """Train on; return whether all batches were seen by `until` on the monotonic clock."""
        for motion, labels in batches(self.setting, errors, self.seed, self.done):
            rate = _LEARNING_RATE * 0.5 * (1 + math.cos(math.pi * self.done / self.setting.batches))
            for way, net in self.students.items():
                net.train()
                torch.manual_seed(self.seed * 100_003 + self.done)      # the same units drop out
                optimiser = self._optimisers[way]
                optimiser.param_groups[0]["lr"] = rate
                loss = (net(motion).pulse - labels[way]).square().mean()
                optimiser.zero_grad()
                loss.backward()
                optimiser.step()
            self.done += 1
            if time.monotonic() > until and self.done < self.setting.batches:
                self.save()
                return False
        self.save()
        return True

    def test(self) -> dict[str, dict[str, list[float]]]:
        """Return error [bpm] and SNR [dB] of every held-out person, for each way."""
        found = {way: {"bpm": [], "snr_db": []} for way in WAYS}
        seed = _TEST_SEED
        while len(found["acq"]["bpm"]) < self.setting.people:
            seed += 1
            drawn, _, generator = draw_with_pulses(1, _TEST_FRAMES, seed)
            if drawn.fps[0] < _LEAST_FPS:
                continue
            time_s = drawn.time_s[0].double().numpy()
            _, fs_hz = even_grid(time_s)
            truth = bandpass(to_even_grid(drawn.pulse[0].numpy(), time_s), fs_hz)
            bpm = heart_rate(truth, fs_hz)
            motion = to_batch(drawn, generator).motion
            for way, net in self.students.items():
                net.eval()
                with torch.no_grad():
                    change = net(motion).pulse.flatten().numpy()
                said = to_even_grid(np.append(0.0, np.cumsum(change)), time_s)
                pulse = bandpass(said, fs_hz)
                found[way]["bpm"].append(abs(heart_rate(pulse, fs_hz) - bpm))
                found[way]["snr_db"].append(snr_db(pulse, fs_hz, hr_bpm=bpm))
        return found


def run_seed(setting: Setting, seed: int, folder: Path, until: float) -> dict | None:
    """Return the results of one seed, from its file where it is done; None: no time was left."""
    file = folder / f"{seed}.json"
    if file.exists():
        return json.loads(file.read_text())
    if time.monotonic() > until:
        return None
    errors = Errors(setting.plant, seed)
    trial = Trial(setting, seed, folder / f"{seed}.state")
    if not trial.train(errors, until):
        print(f"seed {seed}: {trial.done} of {setting.batches} batches")
        return None
    late_ms = {
        way: 1e3 * float(np.sqrt(np.nanmean(late**2))) for way, late in errors.late_s.items()
    }
    results = {"late_ms": late_ms, "found": trial.test()}
    with atomic_file(file) as part:
        part.write_text(json.dumps(results))
    return results


def print_table(results: list[dict]) -> None:
    """Print errors and costs, means over seeds, with intervals over people."""
    print(
        "| labels | RMS error [ms] | MAE [bpm] | SNR [dB] | costs [bpm] | costs [dB] |\n"
        "|---|---|---|---|---|---|"
    )
    truth = _by_person(results, "true times")
    for way in WAYS:
        late_ms = np.mean([one["late_ms"][way] for one in results])
        bpm, snr = found = _by_person(results, way)
        costs = [_interval(found[0] - truth[0]), _interval(truth[1] - found[1])]
        if way == "true times":
            costs = ["", ""]
        print(
            f"| {way} | {late_ms:.2f} | {bpm.mean():.2f} | {np.nanmean(snr):.2f} | "
            f"{' | '.join(costs)} |"
        )


def _by_person(results: list[dict], way: str) -> np.ndarray:
    """Return error [bpm] and SNR [dB] of each person, means over seeds: (2, people)."""
    return np.array([
        np.mean([one["found"][way][key] for one in results], axis=0) for key in ("bpm", "snr_db")
    ])


def _interval(values: np.ndarray) -> str:
    """Return the mean and its 95 % interval by bootstrap over people."""
    rng = np.random.default_rng(0)
    means = np.nanmean(values[rng.integers(len(values), size=(4000, len(values)))], axis=1)
    low, high = np.percentile(means, (2.5, 97.5))
    return f"{np.nanmean(values):+.2f} [{low:+.2f}, {high:+.2f}]"


def main() -> None:
    """Train, test and print, within the minutes."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--folder", type=Path, required=True)
    parser.add_argument("--minutes", type=float, default=60.0)
    parser.add_argument("--seeds", type=int, default=4)
    parser.add_argument("--batches", type=int, default=200)
    parser.add_argument("--clips", type=int, default=4)
    parser.add_argument("--pairs", type=int, default=64)
    parser.add_argument("--people", type=int, default=64)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument(
        "--plant", choices=sorted(PLANTS), default="the same, 2 % outliers",
    )
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    setting = Setting(
        options.plant, options.clips, options.pairs, options.batches, options.people
    )
    digest = sha256(json.dumps(asdict(setting)).encode()).hexdigest()[:12]
    folder = options.folder / digest
    folder.mkdir(parents=True, exist_ok=True)
    until = time.monotonic() + 60 * options.minutes
    results = []
    for seed in range(options.seeds):
        if (found := run_seed(setting, seed, folder, until)) is not None:
            results.append(found)
    print(f"{setting}: {len(results)} of {options.seeds} seeds")
    if results:
        print_table(results)
    if len(results) < options.seeds:
        print("The minutes are over; the same command goes on from here.")


if __name__ == "__main__":
    main()
