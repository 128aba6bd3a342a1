"""Colour methods and checkpoints evaluated on the same videos of one curated dataset."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from difflib import get_close_matches
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from acquire.data_folder import frames_cache
from acquire.errors import AcqError, Fix, TrainingError
from dataset.common.files import finite
from dataset.common.progress import OnProgress
from dataset.face.frames import Motion
from dataset.published_colour.methods import ALL_METHODS
from dataset.run_results import compare_with_written
from dataset.runs import ReadFrom, read_training_runs, run_folder_of
from dataset.signals.colour_methods import METHODS
from models.board.find_net import (
    check_none_is_gone,
    check_part_of_run,
    find_nets,
    find_trainings,
    in_all_folds,
    run_seed_and_net,
)
from models.data.from_sessions import Source, load_own
from models.data.published_ubfc import load_dataset_2
from models.data.videos import TrainingData, side_by_subjects

from .assess import assess, figures_by_fold, figures_by_seed
from .mean_rate import count_missing, guess_mean_rate
from .methods import COLOUR_TITLES, MEAN_RATE, TITLES
from .read_net import ReadNet, ReadVideo, Side, open_to_read, read_by_method, tests_of_folds
from .verdict import Results, judge, judge_over_seeds
from .video_result import VideoResult

if TYPE_CHECKING:
    import pandas as pd

READING = "read the pulse"
EVERY = "all"           # every method without training


@dataclass(frozen=True)
class Comparison:
    """The results of several methods on the same videos."""

    side: Side
    data: TrainingData                      # all of it, as it was split
    videos: dict[str, list[VideoResult]]    # by method; the guess of the mean rate is the last
    warnings: list[str]
    verdict: dict | None = None             # of `judge`; None where no network was compared
    tested: Sequence[Sequence[str]] = ()    # the subjects of each fold; () without folds
    # of networks that are all of one run: their results by the number of the seed, under their own
    # names, with the guess
    of_seeds: Mapping[int | None, Results] = field(default_factory=dict)
    run: Path | None = None                 # the folder of that run

    def summary(self) -> dict:
        """Return all figures as numbers for JSON; warn where they are not as the run wrote them.

        Raises
        ------
        TrainingError : what it wrote cannot be read
        """
        subjects = sorted({v.subject for videos in self.videos.values() for v in videos})
        tested = self.tested or [subjects]
        first = next(iter(self.of_seeds.values()), None)
        summary = finite({
            "side": self.side, "subjects": subjects, "people": self.data.people,
            "split_hash": self.data.split_hash, "data_hash": self.data.data_hash,
            "warnings": self.warnings, "verdict": self.verdict,
            "methods": {
                name: assess(videos, tested=self.tested) for name, videos in self.videos.items()
            },
            # as in the run's metrics.json: folds are of its first seed
            "folds": figures_by_fold(first, tested) if first else None,
            "seeds": figures_by_seed(self.of_seeds, tested) if first else None,
        })
        if self.run is not None and (unlike := compare_with_written(self.run, summary)):
            summary["warnings"] = [*self.warnings, unlike]
        return summary


def compare_methods(
    data: Path, names: Sequence[str], *, side: Side = "test", other_data: bool = False,
    allow_mixed: bool = False, source: Source = "ubfc", on_progress: OnProgress | None = None,
) -> Comparison:
    """Let methods and checkpoints read the videos of one side.

    Parameters
    ----------
    data : the folder that holds `ubfc/` or `sessions/`
    names : of `dataset.published_colour.methods.ALL_METHODS`, "all" for these together, checkpoint
        files, ONNX files, or runs by their folder or id (all checkpoints in one), RUN/NET for one
        of them, RUN/seedN for one seed; empty: the usual methods,
        `dataset.signals.colour_methods.METHODS`. A run of several folds is read as it was tested
    other_data : whether a checkpoint may come from another dataset or split; without it that is
        refused
    source : "ubfc", the curated folders; "sessions": the sessions themselves, in the same rows;
        or a folder DATASET_2 of UBFC-rPPG as published, which has no sides: without a run in folds
        everyone is read, and the mean rate that a person is guessed at is that of all others

    Raises
    ------
    TrainingError : no such method or file; a checkpoint of other data; networks that were tested on
        other folds than others; a side of UBFC-rPPG
    AcqError : the data cannot be read; see `load_curated`
    """
    methods = _resolve_names(list(names) or list(METHODS), data)
    tests = tests_of_folds(methods, side)
    if isinstance(source, Path):
        side = _side_of_ubfc(side, in_folds=bool(tests))

    @cache
    def load(motion: Motion) -> tuple[TrainingData, list[TrainingData]]:
        how: Any = {"allow_mixed": allow_mixed, "motion": motion, "on_progress": on_progress}
        with _naming_source([net for of in methods.values() for net in of], data, source):
            return _load(data, source, tests, side, **how)

    results: dict[str, list[VideoResult]] = {}
    warnings: list[str] = []
    for name, nets in methods.items():
        folds = load(nets[0].motion if nets else "normalised")[1]
        # a network of no fold, or a method without any, reads them all
        each = nets if len(nets) > 1 else (nets or [None]) * len(folds)
        for net, fold in zip(each, folds, strict=True):
            if net is not None and not other_data:
                _check_origin(net, fold, data, source)
            if net is not None:
                warnings += net.warn_of(name, fold, side)
            read = read_by_method(name) if net is None else net.read
            results.setdefault(name, []).extend(_read_all(name, read, fold, on_progress))
    whole, folds = load("normalised")
    guess = [video for of_fold in guess_mean_rate(folds) for video in of_fold]
    everything, told = {**results, MEAN_RATE: guess}, list(dict.fromkeys(warnings))
    networks = {name: results[name] for name, nets in methods.items() if nets}
    if not networks:
        return Comparison(side, whole, everything, told, tested=tests)
    verdict = _judge(networks, _formulas(results, folds, on_progress), guess)
    of_seeds = _by_seed_number(networks, methods, guess) if side == "test" else {}
    first = next(net.path for nets in methods.values() for net in nets)
    run = run_folder_of(first) if of_seeds else None
    return Comparison(side, whole, everything, told, verdict, tests, of_seeds, run)


def _load(
    data: Path, source: Source, tests: Sequence[Sequence[str]], side: Side, **how: Any
) -> tuple[TrainingData, list[TrainingData]]:
    """Load all data, and the sides of each fold."""
    if isinstance(source, Path):
        whole, _ = load_dataset_2(source, cache=frames_cache(data), **how)
        tests = tests or [(name,) for name in whole.subjects["train"]]
    else:
        whole = load_own(data, source, **how)
    return whole, _sides(whole, tests, side)


def _judge(
    networks: Results, formulas: Results, guess: Sequence[VideoResult]
) -> dict[str, Any]:
    """Judge networks; where all are of one run, under their own names and over its seeds.

    So a run is told the verdict that it was told when it was trained.
    """
    of_seeds = _seeds_of_one_run(networks)
    if of_seeds is None:
        return judge(networks, formulas, guess, COLOUR_TITLES)
    return judge_over_seeds([*of_seeds.values()], formulas, guess, TITLES)


def _seeds_of_one_run(networks: Results) -> dict[str, Results] | None:
    """Return the networks of each seed of a run by their own names, in the order of the tables.

    A seed is called `seed0`, or "" in a run of one seed. None where they are of several runs, or of
    none.
    """
    runs, of_seeds = set(), {}
    for name, videos in networks.items():
        run, seed, net = run_seed_and_net(name)
        runs.add(run)
        of_seeds.setdefault(seed, {})[net] = videos
    first, *others = of_seeds.values()
    if len(runs) > 1 or "" in runs or any(first.keys() != other.keys() for other in others):
        return None
    order = [*(name for name in TITLES if name in first), *(n for n in first if n not in TITLES)]
    return {
        seed: {name: of_seed[name] for name in order} for seed, of_seed in of_seeds.items()
    }


def _by_seed_number(
    networks: Results, methods: Mapping[str, Sequence[ReadNet]], guess: Sequence[VideoResult]
) -> dict[int | None, Results]:
    """Return the same by the number of the seed, with the guess; empty where not of one run."""
    of_seeds = _seeds_of_one_run(networks) or {}
    return {
        _seed_number(seed, methods): {**of, MEAN_RATE: guess} for seed, of in of_seeds.items()
    }


def _seed_number(called: str, methods: Mapping[str, Sequence[ReadNet]]) -> int | None:
    """Return the number of a seed; of a run of one seed, what its networks say of it."""
    if called:
        return int(called.removeprefix("seed"))
    return next(net.seed for nets in methods.values() for net in nets)


_READ_AS: dict[ReadFrom, Fix] = {
    "ubfc": Fix.READ_CURATED, "sessions": Fix.READ_SESSIONS, "published": Fix.READ_PUBLISHED,
}


def _check_origin(net: ReadNet, fold: TrainingData, data: Path, source: Source) -> None:
    """Refuse a network of other data or of another split; of one fold's, name that of all folds."""
    try:
        with _naming_source([net], data, source):
            net.check_origin(fold)
    except TrainingError as error:
        called = in_all_folds(net.path, data)
        if called and net.header.get("data_hash") == fold.data_hash:
            error.fix = f"name {called}: each fold is read by its own network, as it was tested"
        raise


@contextmanager
def _naming_source(nets: Sequence[ReadNet], data: Path, source: Source) -> Iterator[None]:
    """Where data are not there, or are others than a network's, name what its run read."""
    try:
        yield
    except AcqError as error:
        if error.fix in (Fix.CONVERT, Fix.ALLOW_OTHER_DATA):
            trained_on = {net.header.get("data_hash") for net in nets}
            read_from: list[ReadFrom] = [
                run.read_from for run in read_training_runs(data) if run.data_hash in trained_on
            ]
            now: ReadFrom = "published" if isinstance(source, Path) else source
            if read_from and now not in read_from:
                error.fix = _READ_AS[read_from[-1]]
        raise


def _sides(
    whole: TrainingData, tests: Sequence[Sequence[str]], side: Side
) -> list[TrainingData]:
    """Return the sides of each fold; without folds, the chosen side as the one to test."""
    if tests:
        return [side_by_subjects(whole, test) for test in tests]
    videos = {"test": whole.test, "train": whole.train, "all": [*whole.train, *whole.test]}
    return [replace(whole, test=videos[side])]


def _side_of_ubfc(side: Side, *, in_folds: bool) -> Side:
    """Return the side that is read of UBFC-rPPG: the tests of a run's folds, or everyone.

    Raises
    ------
    TrainingError : another is asked for
    """
    if side == "train":
        raise TrainingError(
            expected="everyone in UBFC-rPPG, which has no side to train on", found=side,
            fix="leave the side out",
        )
    return "test" if in_folds else "all"


def _formulas(
    results: Mapping[str, list[VideoResult]], folds: Sequence[TrainingData],
    on_progress: OnProgress | None,
) -> dict[str, list[VideoResult]]:
    """Return the results of every method without training; read again is what is not there."""
    return {
        name: results.get(name) or [
            video for fold in folds
            for video in _read_all(name, read_by_method(name), fold, on_progress)
        ]
        for name in ALL_METHODS
    }


def _read_all(
    name: str, read: ReadVideo, fold: TrainingData, on_progress: OnProgress | None
) -> list[VideoResult]:
    """Let one method read every test video of a fold."""
    results, total = [], len(fold.test)
    for done, video in enumerate(fold.test):
        if on_progress is not None:
            on_progress(f"{READING}: {name}", done, total)
        results.append(read(video))
    if on_progress is not None:
        on_progress(f"{READING}: {name}", total, total)
    return count_missing(results, fold)


def _resolve_names(names: list[str], data: Path) -> dict[str, list[ReadNet]]:
    """Open the networks of each name, one for each fold; none for a colour method."""
    nets: dict[str, list[ReadNet]] = {}
    for name in names:
        if name in ALL_METHODS or name == EVERY:
            nets |= {one: [] for one in (ALL_METHODS if name == EVERY else (name,))}
            continue
        check_none_is_gone(Path(name), data)
        if of_folds := find_trainings(Path(name), data):
            nets |= {
                called: list(map(open_to_read, of_folds[called]))
                for called in _in_the_tables_order(of_folds)
            }
            continue
        try:
            found = find_nets(Path(name), data)
        except TrainingError as error:
            if error.found != "nothing":
                raise
            check_part_of_run(Path(name), data)
            near = get_close_matches(name.lower(), ALL_METHODS, n=1, cutoff=0.7)
            raise TrainingError(
                expected=f"{EVERY}, one of {', '.join(ALL_METHODS)}; a run, a checkpoint or an "
                "ONNX file",
                found=repr(name), fix=f"did you mean {near[0]}?" if near else error.fix,
            ) from error
        for called in _in_the_tables_order(found):
            path = found[called]
            nets[called if called not in nets else str(path)] = [open_to_read(path)]
    return nets


def _in_the_tables_order(called: Iterable[str]) -> list[str]:
    """Return the names of networks as every table has them: seed by seed, the teacher first."""
    parts = {name: run_seed_and_net(name) for name in called}
    seeds = list(dict.fromkeys(seed for _, seed, _ in parts.values()))
    nets = [*TITLES, *sorted({net for *_, net in parts.values()} - set(TITLES))]
    return sorted(parts, key=lambda name: (seeds.index(parts[name][1]), nets.index(parts[name][2])))


def window_table(comparison: Comparison) -> "pd.DataFrame":
    """Return a row for each method and window.

    Columns: method, subject, folder, start [s], heart rates [bpm]: predicted (empty: no
    prediction), counted in the errors, of the finger; SNR [dB] by two definitions, MACC.
    """
    import pandas as pd

    return pd.concat(
        [
            pd.DataFrame({
                "method": name, "subject": video.subject, "folder": video.folder,
                "start_s": video.start_s.round(3), "predicted_bpm": video.predicted_bpm,
                "counted_bpm": video.counted_bpm, "reference_bpm": video.reference_bpm,
                "snr_db": video.snr_db, "snr_de_haan_db": video.snr_de_haan_db, "macc": video.macc,
            })
            for name, videos in comparison.videos.items() for video in videos
        ],
        ignore_index=True,
    )
