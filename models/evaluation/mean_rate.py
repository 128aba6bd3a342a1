"""The training set's mean heart rate: the guess to beat, and what a missing prediction counts as.

The guess looks at no picture. A method that is not better has learnt nothing of the person before
it. Where a method has no prediction in a window (`video_result`), the window counts as this guess
in every error: to be silent is worth as much as to know nothing, and neither hides an error, as
leaving the window out would, nor adds one that no guess makes, as 0 bpm would. How many windows
were predicted, the coverage, stands beside each error. SNR, MACC and the correlation with the PPG
are those of the windows, or recordings, that have a pulse.
"""

from collections.abc import Iterable, Sequence
from dataclasses import replace

import numpy as np

from models.data.videos import TrainingData

from .video_result import VideoResult, evaluate_pulse


def count_missing(results: Iterable[VideoResult], data: TrainingData) -> list[VideoResult]:
    """Return results in which what is missing counts as the mean rate of their training side."""
    return [replace(result, mean_rate_bpm=data.mean_rate_bpm) for result in results]


def guess_mean_rate(folds: Sequence[TrainingData]) -> list[list[VideoResult]]:
    """Let each test video be guessed at the mean rate of its fold's training windows [bpm].

    A video to train on may have no such window; one of each fold has, as `check_any_finger` and
    `check_has_finger` demand.

    Returns
    -------
    of each fold, a result for each of its test videos, in their order; SNR and MACC are NaN, as
    there is no pulse
    """
    guessed = []
    for fold in folds:
        mean_bpm = fold.mean_rate_bpm
        results = count_missing(
            (evaluate_pulse(np.zeros(len(video.time_s)), video) for video in fold.test), fold
        )
        guessed.append([
            replace(
                result, predicted_bpm=result.counted_bpm,
                toolbox=replace(result.toolbox, fft_bpm=mean_bpm, peak_bpm=mean_bpm),
                toolbox_of_paper=replace(
                    result.toolbox_of_paper, fft_bpm=mean_bpm, peak_bpm=mean_bpm
                ),
            )
            for result in results
        ])
    return guessed


def coverage_percent(predicted_bpm: np.ndarray) -> float:
    """Return in how many of some windows, or recordings, there is a prediction [%]."""
    return 100 * float(np.isfinite(predicted_bpm).mean())


def coverage_text(percents: Iterable[float | None]) -> str:
    """Return coverages in a table's words, one number where all are the same; "" of none.

    100 is said of no less than all. None: not known, of a run of an earlier version.
    """
    texts = ["?" if p is None else "100" if p == 100 else f"{min(p, 99.9):.1f}" for p in percents]
    if len(set(texts)) == 1:
        texts = texts[:1]
    return f"{', '.join(texts)} %" if texts else ""
