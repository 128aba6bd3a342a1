"""What a run trains on: the split of the curated data, or folds of all subjects."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import NamedTuple

import numpy as np

from acquire.data_folder import frames_cache
from acquire.errors import Fix, TrainingError
from dataset.common.progress import OnProgress
from dataset.common.workers import Workers
from dataset.face.frames import Motion
from dataset.selection.draw import draw_folds
from models.data.checks import check_has_finger
from models.data.from_sessions import Source, load_own
from models.data.published_ubfc import load_dataset_2
from models.data.videos import TrainingData, side_by_subjects
from models.training.trained import Trained


class Unit(NamedTuple):
    """One fold of one seed: what one process trains at a time."""

    seed: int
    fold: int       # from 0


Networks = Mapping[str, Trained]            # by name, as `train_networks` returns them
AllTrained = Mapping[Unit, Networks]


@dataclass(frozen=True)
class RunPlan:
    """What a run consists of, beside its recipe."""

    data: Path
    folds: int | None = None        # None: the split of the curated data
    seeds: int = 1                  # the recipe's seed and those after it
    source: Source = "ubfc"
    allow_mixed: bool = False
    device: str = "auto"
    has_logs: bool = False          # whether each training logs its losses for TensorBoard


@dataclass(frozen=True)
class LoadedPlan:
    """The data of a run."""

    whole: TrainingData
    folds: list[TrainingData]       # sides of each fold; one where the curated split is used
    defects: list[str]              # of published data, one line each

    @property
    def subjects(self) -> dict[str, list[str]]:
        """The subjects that any network of the run is trained and tested on, by side."""
        sides = [fold.subjects for fold in self.folds]
        return {
            side: sorted({name for of_fold in sides for name in of_fold[side]})
            for side in ("train", "test")
        }

    @property
    def tested(self) -> TrainingData:
        """The whole data with the test videos of all folds on its test side."""
        return replace(self.whole, test=[video for fold in self.folds for video in fold.test])


def load_plan(
    plan: RunPlan, *, motion: Motion = "normalised", of_today: bool = True,
    workers: Workers | None = None, on_progress: OnProgress | None = None,
) -> LoadedPlan:
    """Load the data of a run and draw its folds.

    Parameters
    ----------
    motion, of_today, workers, on_progress : as `load_curated`

    Raises
    ------
    TrainingError : published data without folds, more folds than subjects; else as `load_curated`
        and `load_dataset_2`
    SplitError, CurationError : as `load_curated` and `load_dataset_2`
    """
    defects: list[str] = []
    if isinstance(plan.source, Path):
        if plan.folds is None:
            raise TrainingError(
                "UBFC-rPPG has no test side: it can only be trained on in folds",
                fix=Fix.TRAIN_WITH_FOLDS,
            )
        whole, defects = load_dataset_2(
            plan.source, cache=frames_cache(plan.data), allow_mixed=plan.allow_mixed,
            motion=motion, workers=workers, on_progress=on_progress,
        )
    else:
        whole = load_own(
            plan.data, plan.source, allow_mixed=plan.allow_mixed, of_today=of_today, motion=motion,
            workers=workers, on_progress=on_progress,
        )
    folds = [whole] if plan.folds is None else sides_of_folds(whole, plan.folds)
    return LoadedPlan(whole, folds, defects)


def sides_of_folds(whole: TrainingData, folds: int) -> list[TrainingData]:
    """Draw test sets of similar heart rates from all subjects; the rest of each fold trains.

    The draw depends on the data only, not on the seed of the training.

    Raises
    ------
    TrainingError : there are fewer subjects than folds, or a video in which no window has a finger
        whose rate can be told
    """
    videos = [*whole.train, *whole.test]
    rates_bpm: dict[str, list[float]] = {}
    for video in videos:
        check_has_finger(video, video.video.parent)
        rate_bpm = float(np.nanmean(video.reference.bpm))
        rates_bpm.setdefault(video.subject, []).append(rate_bpm)
    if not 2 <= folds <= len(rates_bpm):
        raise TrainingError(
            expected=f"2 to {len(rates_bpm)} folds, as there are {len(rates_bpm)} subjects",
            found=f"{folds} asked for", fix=Fix.CHOOSE_OPTION, of="folds",
        )
    mean_bpm = {subject: float(np.mean(rates)) for subject, rates in rates_bpm.items()}
    return [side_by_subjects(whole, test) for test in draw_folds(mean_bpm, folds, seed=0)]
