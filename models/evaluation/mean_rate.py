"""The guess that every method has to be better than: the training set's mean heart rate.

It looks at no picture. A method that is not better has learnt nothing of the person before it.
"""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from models.data.videos import TrainingData

from .video_result import VideoResult, evaluate_pulse


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
        rates_bpm = [video.reference.bpm[video.reference.is_used] for video in fold.train]
        mean_bpm = float(np.concatenate(rates_bpm).mean())
        results = [evaluate_pulse(np.zeros(len(video.time_s)), video) for video in fold.test]
        guesses = [np.full(len(result.reference_bpm), mean_bpm) for result in results]
        guessed.append([
            replace(
                result, predicted_bpm=guess_bpm,
                toolbox=replace(result.toolbox, fft_bpm=mean_bpm, peak_bpm=mean_bpm),
                toolbox_of_paper=replace(
                    result.toolbox_of_paper, fft_bpm=mean_bpm, peak_bpm=mean_bpm
                ),
            )
            for result, guess_bpm in zip(results, guesses, strict=True)
        ])
    return guessed
