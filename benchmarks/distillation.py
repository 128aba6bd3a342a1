"""Student alone against student + KD, over seeds: `python -m benchmarks.distillation [--people SEED] [SEED ...]`.

For each seed the road of `acq demo` without the waiting: virtual subjects S01 to S04 of that seed are simulated, S04 is held out,
and `train_kd` trains with that seed. With `--people SEED` the people stay those of one seed, and only weights and batches
change. Some five minutes a seed on two cores; three gigabytes of disk for a while.
"""

import argparse
import tempfile
from pathlib import Path

from acquire.layout import split_file
from acquire.simulated_session import SimulatedSession, write_sessions
from dataset.curate import convert_sessions
from dataset.split import identify_sessions, split_by_subject, write_split
from models.train import Recipe, train_kd

SUBJECTS = ("S01", "S02", "S03", "S04")


def curate(data: Path, seed: int, *, duration_s: float) -> None:
    plans = [SimulatedSession(subject=s, session=0, seed=seed, duration_s=duration_s, fps=25.0) for s in SUBJECTS]
    write_sessions(plans, data)
    write_split(split_by_subject(identify_sessions(data), holdout=SUBJECTS[-1:]), split_file(data))
    convert_sessions(data)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("seeds", nargs="*", type=int, default=list(range(6)))
    parser.add_argument("--people", type=int, help="seed of the subjects, where it is not to follow the training's")
    parser.add_argument("--duration-s", type=float, default=60.0)
    options = parser.parse_args()
    names = ("teacher", "student", "student_kd")
    print(f"| seed | {' | '.join(f'{n} MAE / RMSE bpm, SNR dB' for n in names)} |\n|---|---|---|---|")
    for seed in options.seeds:
        with tempfile.TemporaryDirectory() as folder:
            data = Path(folder)
            curate(data, seed if options.people is None else options.people, duration_s=options.duration_s)
            metrics = train_kd(data, recipe=Recipe(seed=seed)).metrics
        row = [f"{metrics[n]['mae_bpm']:.2f} / {metrics[n]['rmse_bpm']:.2f}, {metrics[n]['snr_db']:.2f}" for n in names]
        print(f"| {seed} | {' | '.join(row)} |", flush=True)


if __name__ == "__main__":
    main()
