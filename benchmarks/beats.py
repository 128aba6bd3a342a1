"""How often it is told which beat of the finger a beat of the face belongs to, and how often wrong.

    python -m benchmarks.beats    a minute of one core

Pulses with labels 0, 1 and 2 beats off, twelve seeds of each: the table of docs/quality.md.
"""

from dataset.signals.beat_lag import find_beat
from dataset.signals.lag import GRID_HZ
from tests.support.pulse_shapes import two_pulses

LENGTHS_S = (30, 60, 180)
# variation of the beats' lengths, and correlation of face and finger
CASES = (
    *((variation, r) for variation in (0.003, 0.01) for r in (0.6, 0.95)),
    (0.03, 0.95), (0.03, 0.8), (0.05, 0.95), (0.05, 0.6),
)
BEATS_OFF, SEEDS = (0, 1, 2), range(12)


def find_all(variation: float, r: float, seconds: float) -> list[tuple[int, int | None]]:
    """Return the beats that each pair of pulses is off, and those that are found or None."""
    found = []
    for beats_off in BEATS_OFF:
        for seed in SEEDS:
            face, finger, beat_s = two_pulses(
                beats_off=beats_off, variation=variation, r=r, seconds=seconds, seed=seed
            )
            last_s = len(face.values) / GRID_HZ - 0.1
            beat = find_beat(face, finger, [(0.0, last_s)], lag_s=0.1, beat_s=beat_s)
            found.append((beats_off, beat.beats))
    return found


def main() -> None:
    heads = " | ".join(f"{seconds} s" for seconds in LENGTHS_S)
    print(f"| beats vary by | face against finger, r | {heads} | wrong |")
    print("|---|---|---|---|---|---|")
    for variation, r in CASES:
        cells, wrong = [], 0
        for seconds in LENGTHS_S:
            found = find_all(variation, r, seconds)
            told = [(right, beats) for right, beats in found if beats is not None]
            cells.append(f"{len(told)} of {len(found)}")
            wrong += sum(right != beats for right, beats in told)
        print(f"| {100 * variation:g} % | {r} | {' | '.join(cells)} | {wrong} |", flush=True)


if __name__ == "__main__":
    main()
