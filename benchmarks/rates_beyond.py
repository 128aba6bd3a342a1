"""Intervals beyond what was calibrated, on drawn people: `python -m benchmarks.rates_beyond`.

Rates above 180 bpm and below 38, and clips longer than 13 s: how often the interval holds, and what
is shown. Beside them rates and lengths that were calibrated. One window a person, by the student
that comes with acq.
"""

import argparse
import math

import numpy as np
import torch

from benchmarks.rate_people import true_bpm
from benchmarks.rate_windows import changes_of
from dataset.face.box import ENLARGE, SIZE, FaceBox, enlarge
from dataset.face.frames import UNIT, face_colour, part_colours
from models.board.onnx_net import SHIPPED, OnnxNet, open_net
from models.drawn import time_courses
from models.drawn.clips import draw
from models.fusion.fuse import fuse_window

SEED, WRONG_BPM = 7 * 10**9, 5.0
# rates [bpm], frames drawn at each person's own rate, length at most [s], spans read [s]
KINDS = (
    ((38.0, 180.0), 360, 14, (10,)), ((180.0, 240.0), 360, 14, (10,)),
    ((30.0, 38.0), 360, 14, (10,)), ((38.0, 180.0), 900, 32, (10, 20, 30)),
)


def read_person(
    net: OnnxNet, number: int, frames: int, most_s: float, spans: tuple[int, ...]
) -> dict[int, tuple]:
    """Draw one person; return of each span [s] that is long enough truth, rate and interval."""
    with torch.no_grad():
        clip = draw(1, frames, torch.Generator().manual_seed(SEED + number))
    time_s = clip.time_s[0].numpy().astype(float)
    kept = time_s - time_s[0] <= most_s
    time_s = time_s[kept] - time_s[0]
    pictures = np.rint(clip.frames[0].permute(0, 2, 3, 1).numpy()[kept] * UNIT).astype(np.uint16)
    side = round(SIZE / ENLARGE)
    colour = face_colour(pictures, enlarge(FaceBox(0, 0, side, side), ENLARGE))
    at, changes = changes_of(net, pictures, time_s)
    time_s, pulse, colour = time_s[at:], clip.pulse[0].numpy()[kept][at:], colour[at:]
    parts = part_colours(pictures[at:])
    found = {}
    for span_s in spans:
        inside = time_s <= time_s[0] + span_s
        truth = true_bpm(pulse[inside], time_s[inside])
        if time_s[-1] - time_s[0] + 0.1 < span_s or np.isnan(truth):
            continue
        rate = fuse_window(time_s[inside], colour[inside], changes[inside], parts[inside])
        if rate.low_bpm is not None and rate.high_bpm is not None:
            found[span_s] = truth, rate.bpm or math.nan, rate.low_bpm, rate.high_bpm
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--people", type=int, default=170, help="of each kind")
    people = parser.parse_args().people
    torch.set_num_threads(1)
    net = open_net(SHIPPED / "student.onnx")
    print(
        "| rates, length | windows | interval holds | shown | interval holds there | off by more "
        "than 5 bpm |\n|---|---|---|---|---|---|"
    )
    for rates, frames, most_s, spans in KINDS:
        time_courses.RATES_BPM = rates
        read = [
            read_person(net, number, frames, most_s, spans) for number in range(people)
        ]
        for span_s in spans:
            rows = np.array([one[span_s] for one in read if span_s in one])
            truth, bpm, low, high = rows.T
            holds, shown = (low <= truth) & (truth <= high), np.isfinite(bpm)
            wrong = np.abs(bpm[shown] - truth[shown]) > WRONG_BPM
            print(
                f"| {rates[0]:g} to {rates[1]:g} bpm, {span_s} s | {len(rows)} | "
                f"{100 * holds.mean():.0f} % | {shown.sum()} | {holds[shown].sum()} | "
                f"{wrong.sum()} |", flush=True,
            )


if __name__ == "__main__":
    main()
