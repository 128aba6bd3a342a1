"""The metrics of a run, and everything that they depend on."""

import platform
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from importlib.metadata import version

import torch

from dataset.face import box, frames
from dataset.face.frames import is_scaled
from dataset.signals.filters import HIGH_HZ, HR_GRID_BPM, LOW_HZ, WINDOW_S
from dataset.signals.pulse_rate import FINGER_HIGH_HZ, FINGER_LOW_HZ
from dataset.signals.windows import STEP_S
from models.data.videos import TrainingData, percent_without_finger
from models.evaluation.assess import assess, figures_by_fold, figures_by_seed
from models.evaluation.mean_rate import count_missing
from models.evaluation.methods import COLOUR_TITLES, MEAN_RATE, TITLES
from models.evaluation.verdict import judge_over_seeds
from models.evaluation.video_result import VideoResult, colour_pulse, evaluate_pulse
from models.nets.can import count_parameters
from models.published_nets.titles import CAN
from models.training.device import uses_bfloat16
from models.training.named_recipes import differences
from models.training.recipe import Recipe
from models.training.trained import Trained

from .plan import AllTrained


def join_folds(trained: AllTrained, seed: int) -> dict[str, Trained]:
    """Pool the test videos of all folds of a seed; networks and curves are those of the first."""
    folds = [networks for (own_seed, _), networks in sorted(trained.items()) if own_seed == seed]
    return {
        name: replace(
            network, videos=[video for networks in folds for video in networks[name].videos]
        )
        for name, network in folds[0].items()
    }


def read_by_colour(folds: Sequence[TrainingData]) -> dict[str, list[VideoResult]]:
    """Let every method without training read the test videos of all folds."""
    return {
        name: [
            video for fold in folds
            for video in count_missing(
                (evaluate_pulse(colour_pulse(name, video), video) for video in fold.test), fold
            )
        ]
        for name in COLOUR_TITLES
    }


def summarise_run(
    whole: TrainingData, folds: Sequence[TrainingData], *, recipe: Recipe, trained: AllTrained,
    colours: Mapping[str, Sequence[VideoResult]], guesses: Sequence[Sequence[VideoResult]],
    device: torch.device, begun: datetime,
) -> dict:
    """Gather everything that a figure in the report depends on.

    Parameters
    ----------
    guesses : of `guess_mean_rate`, for each fold
    """
    guess = [video for of_fold in guesses for video in of_fold]
    tested = [video for fold in folds for video in fold.test]
    of_seeds = _results_of_seeds(trained, guess)
    trained_on = whole.train if len(folds) == 1 else [*whole.train, *whole.test]
    sides = {"train": trained_on, "test": tested}
    return {
        "verdict": _judge_over_seeds(trained, colours, guess),
        "methods": _figures_of_methods(folds, recipe, trained, {**colours, MEAN_RATE: guess}),
        "folds": figures_by_fold(of_seeds[recipe.seed], _tested(folds)),
        "seeds": figures_by_seed(of_seeds, _tested(folds)),
        "computed_from": "10 s windows every second, all windows of all test videos in "
                         "which the finger's rate can be told; one without a prediction counts "
                         "as the mean rate of the training windows; "
                         "per_video_mean has one heart rate a video, the mean over its windows",
        "ms_per_frame_is": "processor time of the network alone on one 36x36 frame, batch 1, one "
                           "thread, float32, median of 60; of networks that read clips, a clip "
                           "over its frames",
        "people": whole.people,
        "subjects": {
            side: sorted({video.subject for video in videos}) for side, videos in sides.items()
        },
        "recordings": {side: len(videos) for side, videos in sides.items()},
        "pairs": {
            side: sum(len(video.ppg_change) for video in videos) for side, videos in sides.items()
        },
        "without_finger_percent": {
            side: percent_without_finger(videos) for side, videos in sides.items()
        },
        "split_hash": whole.split_hash,
        "data_hash": whole.data_hash,
        "recipe": recipe.as_dict(),
        "beside_paper": beside_paper(recipe),
        "heart_rate": {
            "window_s": WINDOW_S, "step_s": STEP_S, "low_hz": LOW_HZ, "high_hz": HIGH_HZ,
            "fft_grid_bpm": HR_GRID_BPM, "peak": "parabola through the logarithm of three points",
            "main_lobe_bpm": 4 * 60 / WINDOW_S,     # of a Hann window, from zero to zero
            "finger_low_hz": FINGER_LOW_HZ, "finger_high_hz": FINGER_HIGH_HZ,
        },
        "preprocessing": {
            "size": box.SIZE, "enlarge": box.ENLARGE, "version": frames.VERSION,
            "detector": box.DETECTOR, "cut_sd": frames.CUT_SD if is_scaled(recipe.motion) else None,
        },
        "bfloat16": uses_bfloat16(recipe.precision, device),
        "device": str(device),
        "threads": torch.get_num_threads(),
        "machine": platform.processor() or platform.machine(),
        "versions": versions(),
        "begun": begun.isoformat(timespec="seconds"),
    }


def beside_paper(recipe: Recipe) -> list[dict]:
    """List where a recipe is not as the recipe paper, also in who teaches, which no file says."""
    teacher = {"key": "teacher", "here": recipe.teacher, "there": CAN}
    return differences(recipe, "paper") + ([] if recipe.teacher == CAN else [teacher])


def _judge_over_seeds(
    trained: AllTrained, colours: Mapping[str, Sequence[VideoResult]],
    guess: Sequence[VideoResult],
) -> dict:
    of_seeds = [_videos_of(trained, seed) for seed in sorted({seed for seed, _ in trained})]
    return judge_over_seeds(of_seeds, colours, guess, TITLES)


def _results_of_seeds(
    trained: AllTrained, guess: Sequence[VideoResult]
) -> dict[int, dict[str, Sequence[VideoResult]]]:
    return {
        seed: {**_videos_of(trained, seed), MEAN_RATE: guess}
        for seed in sorted({seed for seed, _ in trained})
    }


def _videos_of(trained: AllTrained, seed: int) -> dict[str, Sequence[VideoResult]]:
    return {name: network.videos for name, network in join_folds(trained, seed).items()}


def _figures_of_methods(
    folds: Sequence[TrainingData], recipe: Recipe, trained: AllTrained,
    colours: Mapping[str, Sequence[VideoResult]],
) -> dict:
    """Assess the networks of the recipe's own seed, and the colour methods."""
    tested = _tested(folds)
    networks = {
        name: {
            **assess(network.videos, tested=tested),
            "parameters": count_parameters(network.net), "ms_per_frame": network.ms_per_frame,
            "curve": network.curve,
            "seconds": sum(
                of_fold[name].seconds for (seed, _), of_fold in trained.items()
                if seed == recipe.seed
            ),
        }
        for name, network in join_folds(trained, recipe.seed).items()
    }
    return networks | {
        name: assess(videos, tested=tested) for name, videos in colours.items()
    }


def _tested(folds: Sequence[TrainingData]) -> list[list[str]]:
    return [fold.subjects["test"] for fold in folds]


def versions() -> dict[str, str]:
    """Return the versions of Python and of the packages that figures may depend on."""
    names = ("acq", "torch", "numpy", "scipy", "opencv-python-headless", "onnxruntime")
    return {"python": platform.python_version(), **{name: version(name) for name in names}}
