"""What every training run came to, side by side, and the removal of one.

A run that was interrupted stands among the others, with the epochs that its states hold. Reading
needs no torch: a state is a file of safetensors, whose header is JSON.
"""

import json
import math
import re
import shutil
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any, Literal

from acquire import data_folder
from acquire.documents import Kind, parse_document, read_document
from acquire.errors import Fix, TrainingError
from acquire.writing import hold, named, owner_of, refuse_links_out

from .common.wording import counted, number
from .layouts.manifest import MANIFEST
from .layouts.manifest_file import read_manifest
from .runs import (
    BEGUN_WITH,
    METRICS,
    TrainingRun,
    naming_run,
    read_header,
    read_training_runs,
    run_name,
)

State = Literal["done", "interrupted", "running", "damaged"]


@dataclass(frozen=True)
class MethodResult:
    """The error of one network or method over all test windows of a run."""

    name: str
    mae_bpm: float | None
    low_bpm: float | None            # 95 % interval over subjects; None where there is none
    high_bpm: float | None
    parameters: int | None           # None of a method that is not trained
    coverage_percent: float | None   # of the windows, with a prediction; None of an earlier version


@dataclass(frozen=True)
class RunResults:
    """One run, for the table."""

    name: str
    folder: Path
    state: State
    begun: str                       # ISO 8601, UTC; "" where its name does not say
    data_hash: str
    is_current: bool | None          # trained on the curated folders as they are; None: not known
    folds: int
    seeds: int
    methods: tuple[MethodResult, ...]
    epochs: int                      # trained so far, of one that has not ended
    owner: str                       # who trains it now
    started_from: str                # what its teacher started from; "": from scratch
    problems: tuple[str, ...]
    recipe: str                      # its name; "" of an earlier version
    teacher: str                     # the network that taught the student; "" the same

    def as_dict(self) -> dict[str, Any]:
        """Return it as it stands in JSON."""
        return {**asdict(self), "folder": str(self.folder)}


@dataclass(frozen=True)
class TrainingCurve:
    """The mean of the loss, and of its parts, in each epoch of one training."""

    network: str                     # such as "student_kd"
    where: str                       # "seed 0, fold 1"; "" of a run that has ended: its first ones
    parts: dict[str, tuple[float | None, ...]]       # by name, "loss" among them; (epochs,)


@dataclass(frozen=True)
class _Method:
    mae_bpm: float | None = None
    coverage_percent: float | None = None
    interval: dict[str, tuple[float, float] | None] = field(default_factory=dict)
    parameters: int | None = None
    curve: list[dict[str, float | None]] = field(default_factory=list)


@dataclass(frozen=True)
class _Recipe:
    name: str = ""
    teacher: str = ""


@dataclass(frozen=True)
class _Results:
    methods: dict[str, _Method]
    folds: list[Any] = field(default_factory=list)
    seeds: list[Any] = field(default_factory=list)
    recipe: _Recipe = field(default_factory=_Recipe)


@dataclass(frozen=True)
class _Begun:
    folds: int | None = None
    seeds: int = 1
    recipe: _Recipe = field(default_factory=_Recipe)


@dataclass(frozen=True)
class _StateHeader:
    about: str


@dataclass(frozen=True)
class _AboutState:
    curve: list[dict[str, float | None]]


@dataclass(frozen=True)
class _Figures:
    """The main figures of a method, as they stand under `methods` and under `seeds`."""

    mae_bpm: float | None = None
    rmse_bpm: float | None = None
    snr_db: float | None = None
    coverage_percent: float | None = None


@dataclass(frozen=True)
class _Fold:
    test: tuple[str, ...] = ()


@dataclass(frozen=True)
class _Seed:
    seed: int | None = None
    methods: dict[str, _Figures] = field(default_factory=dict)


@dataclass(frozen=True)
class _Computed:
    """What is read of metrics.json, and of an evaluation, to hold one against the other."""

    data_hash: str = ""             # "", and all others empty: of an earlier version
    split_hash: str = ""
    methods: dict[str, _Figures] = field(default_factory=dict)
    folds: list[_Fold] = field(default_factory=list)
    seeds: list[_Seed] = field(default_factory=list)
    versions: dict[str, str] = field(default_factory=dict)

    @property
    def read(self) -> tuple[Any, ...]:
        """What the figures are of."""
        return self.data_hash, self.split_hash, [sorted(fold.test) for fold in self.folds]

    @property
    def figures(self) -> dict[str, float | None]:
        """Each figure by its name and place."""
        places = {f"methods.{name}": of for name, of in self.methods.items()}
        for seed in self.seeds:
            places |= {f"seed {seed.seed}, {name}": of for name, of in seed.methods.items()}
        return {
            f"{place}.{name}": value
            for place, of in places.items() for name, value in asdict(of).items()
        }


_AS_SHOWN = 0.01            # by how much figures may differ that look the same in every table
_MOST_NAMED = 3
_COMPUTED = Kind(_Computed, "the figures of a run", TrainingError, Fix.TRAIN_AGAIN)
_RESULTS = Kind(_Results, "the results of a run", TrainingError, Fix.TRAIN_AGAIN)
_BEGUN = Kind(_Begun, "what a run was begun with", TrainingError, Fix.REMOVE_RUN)
_ALL_BEGUN = Kind(dict, _BEGUN.called, TrainingError, Fix.REMOVE_RUN)
_STATE = Kind(
    _StateHeader, "the state of a training", TrainingError, Fix.REMOVE_RUN,
    prepare=lambda header: header.get("__metadata__"),
)
_ABOUT = Kind(_AboutState, "the state of a training", TrainingError, Fix.REMOVE_RUN)


def read_run_results(data: Path) -> list[RunResults]:
    """Read what every run came to, by the time they began."""
    manifest = data_folder.ubfc_dir(data) / MANIFEST
    hash_now = read_manifest(manifest).data_hash if manifest.exists() else None
    return [_read_results(run, hash_now) for run in read_training_runs(data)]


def read_begun_with(folder: Path) -> dict[str, Any]:
    """Read the settings and hashes that an interrupted run was begun with.

    Raises
    ------
    TrainingError : they cannot be read
    """
    with naming_run(folder):
        return read_document(_ALL_BEGUN, folder / BEGUN_WITH)


def compare_with_written(folder: Path, computed: dict[str, Any]) -> str:
    """Return in words which figures are not as a run's metrics.json has them; "" where all are.

    Parameters
    ----------
    folder : of the run
    computed : figures that its networks gave again, in the form of metrics.json, of one seed at
        least; those of other data, or of other subjects, are not held against it

    Raises
    ------
    TrainingError : its metrics cannot be read
    """
    written = read_document(_COMPUTED, folder / METRICS)
    again = parse_document(_COMPUTED, json.dumps(computed).encode(), folder)
    if written.read != again.read:
        return ""
    first = again.seeds[0]          # whose networks stand under `methods`, too
    if written.seeds and written.seeds[0].seed == first.seed:
        again = replace(again, methods={**again.methods, **first.methods})
    before, now = written.figures, again.figures
    apart = {name: _distance(before[name], now[name]) for name in now if name in before}
    others = [name for name in apart if apart[name] > _AS_SHOWN]
    if not others:
        return ""
    most = max((apart[name] for name in others if apart[name] < math.inf), default=None)
    named = [
        f"{name} ({number(before[name])} there, {number(now[name])} here)"
        for name in others[:_MOST_NAMED]
    ]
    if len(others) > _MOST_NAMED:
        named.append("and others")
    version = written.versions.get("acq")
    return (
        f"{counted(len(others), 'figure')} of the run {folder.name} "
        f"{'is' if len(others) == 1 else 'are'} not as in its metrics.json, by {number(most)} at "
        f"most: {', '.join(named)}" + (f"; acq {version} wrote it" if version else "")
    )


def _distance(before: float | None, now: float | None) -> float:
    """Return how far two figures are apart; infinitely where one of them is not known."""
    if before is None or now is None:
        return 0.0 if before is now else math.inf
    return abs(before - now)


def remove_run(data: Path, folder: Path) -> None:
    """Remove a run with everything in it, for good.

    Raises
    ------
    BusyError : it is being trained
    AcqError : it lies behind a link to another place
    """
    refuse_links_out(data, folder)
    with hold(folder.parent, named(folder.name)):
        try:
            shutil.rmtree(folder)
        except KeyboardInterrupt:
            shutil.rmtree(folder, ignore_errors=True)       # a moment more, and it is gone
            raise


def _read_results(run: TrainingRun, hash_now: str | None) -> RunResults:
    problems = [str(problem) for problem in run.problems]
    methods: tuple[MethodResult, ...] = ()
    folds, seeds, epochs, recipe = 1, 1, 0, _Recipe()
    owner = owner_of(run.folder.parent, named(run.folder.name))
    try:
        if run.is_interrupted:
            with naming_run(run.folder):
                begun = read_document(_BEGUN, run.begun_with_file)
                folds, seeds, recipe = begun.folds or 1, begun.seeds, begun.recipe
                epochs = sum(_count_epochs(path) for path in run.folder.glob("states/*/*.state"))
        else:
            results = read_document(_RESULTS, run.folder / METRICS)
            folds, seeds = max(1, len(results.folds)), max(1, len(results.seeds))
            recipe = results.recipe
            methods = tuple(_method(name, method) for name, method in results.methods.items())
    except TrainingError as error:
        problems.append(str(error))
    state: State = (
        "running" if owner else "damaged" if problems else
        "interrupted" if run.is_interrupted else "done"
    )
    return RunResults(
        run_name(run.folder), run.folder, state, _begun(run_name(run.folder)), run.data_hash,
        _is_current(run, hash_now), folds, seeds, methods,
        epochs, str(owner or ""), run.started_from.named if run.started_from else "",
        tuple(dict.fromkeys(problems)), recipe.name, recipe.teacher,
    )


def _is_current(run: TrainingRun, hash_now: str | None) -> bool | None:
    """Compare with the curated folders; a run that read something else is not known to be."""
    if hash_now is None or not run.data_hash or run.read_from != "ubfc":
        return None
    return run.data_hash == hash_now


def read_training_curves(folder: Path) -> tuple[TrainingCurve, ...]:
    """Read how the loss of each training of a run went, also while it trains.

    Raises
    ------
    TrainingError : what the run has written cannot be read
    """
    if (folder / METRICS).exists():
        methods = read_document(_RESULTS, folder / METRICS).methods
        return tuple(
            TrainingCurve(name, "", _by_part(method.curve))
            for name, method in methods.items() if method.curve
        )
    curves = []
    for path in sorted(folder.glob("states/*/*.state")):
        try:
            curve = _read_curve(path)
        except TrainingError:
            if path.exists():
                raise
            continue                           # the run has just ended
        where = re.sub(r"([a-z]+)(\d+)", r"\1 \2", path.parent.name).replace("-", ", ")
        curves.append(TrainingCurve(path.stem, where, _by_part(curve)))
    return tuple(curves)


def _by_part(curve: list[dict[str, float | None]]) -> dict[str, tuple[float | None, ...]]:
    names = dict.fromkeys(name for epoch in curve for name in epoch)
    return {name: tuple(epoch.get(name) for epoch in curve) for name in names}


def _method(name: str, method: _Method) -> MethodResult:
    low_bpm, high_bpm = method.interval.get("mae_bpm") or (None, None)
    return MethodResult(
        name, method.mae_bpm, low_bpm, high_bpm, method.parameters, method.coverage_percent
    )


def _count_epochs(path: Path) -> int:
    """Count the epochs that a state holds; it is written after each."""
    return len(_read_curve(path))


def _read_curve(path: Path) -> list[dict[str, float | None]]:
    """Read the losses that a state holds, an epoch each."""
    header, _ = read_header(path)
    about = parse_document(_STATE, header, path).about
    return parse_document(_ABOUT, about.encode(), path).curve


def _begun(name: str) -> str:
    """Return when a run began, as its name says: 20261125T100000Z, or -2 of the same second."""
    from datetime import datetime, timezone

    try:
        begun = datetime.strptime(name.partition("-")[0], "%Y%m%dT%H%M%SZ")
    except ValueError:
        return ""
    return begun.replace(tzinfo=timezone.utc).isoformat()
