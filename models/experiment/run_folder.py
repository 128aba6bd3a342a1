"""The folder of a run: hidden while it is not whole, found again to resume, then renamed.

`runs/.<time>.part/` holds `run.json`, with which the run was begun, and `states/`, from which its
trainings are resumed; both are gone once it becomes `runs/<time>/`.
"""

import json
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import asdict, replace
from datetime import datetime
from pathlib import Path
from typing import Any

from acquire.atomic import write_text
from acquire.data_folder import runs_dir
from acquire.documents import Kind, parse_document, read_document
from acquire.errors import Fix, ResumeError, TrainingError
from acquire.interrupts import note_left
from acquire.writing import hold, named, owner_of, refuse_links_out
from dataset.common.files import sha256_of
from dataset.runs import BEGUN_WITH, run_name
from models.data.videos import TrainingData
from models.nets.checkpoint import save_checkpoint
from models.published_nets.titles import CAN
from models.training.recipe import Recipe
from models.training.state import REMOVE_FOLDER, STATE
from models.training.teacher_init import TeacherInit

from .plan import AllTrained, Unit
from .summary import versions

STATES = "states"
TAUGHT_BY_INIT = ("teacher", "student_kd")       # who has learnt from the people of its start
_KIND = Kind(dict, "what a run was begun with", TrainingError, REMOVE_FOLDER)
_RECIPE = Kind(Recipe, "the recipe of a run", TrainingError, REMOVE_FOLDER)


@contextmanager
def open_run_folder(
    data: Path, begun_with: dict, *, told: dict, begun: datetime, resume: bool
) -> Iterator[tuple[Path, Path]]:
    """Yield the hidden folder that a run writes into, and its final path, which it gets at the end.

    After Ctrl-C it stays, to be resumed from; after an error, too, where an epoch has been trained,
    and is removed where none has. Nobody else resumes or removes it meanwhile.

    Parameters
    ----------
    begun_with : of `describe_run`
    told : what is written beside it, and may differ when it is resumed: `subjects` by side and
        `started_from`, so that a run that does not end is known to be of these people
    resume : whether the newest interrupted run that was begun with the same is continued

    Raises
    ------
    TrainingError : as `claim_folder`, or `find_interrupted`
    BusyError : another process resumes it already
    """
    runs = runs_dir(data)
    refuse_links_out(data, runs)
    part, folder = find_interrupted(runs, begun_with) if resume else claim_folder(runs, begun)
    with hold(runs, named(part.name)):
        is_done = False
        try:
            write_text(part / BEGUN_WITH, json.dumps({**begun_with, **told}))
            note_left("to resume")
            yield part, folder
            is_done = True
            _give_its_name(part, folder)
            note_left("whole")
        except (KeyboardInterrupt, SystemExit):
            if is_done:                  # a moment more, and it is whole
                _give_its_name(part, folder)
                note_left("whole")
            raise
        except BaseException:
            if any((part / STATES).rglob(f"*{STATE}")):
                note_left("after an error")
                raise
            note_left("nothing")
            shutil.rmtree(part)
            raise


def _give_its_name(part: Path, folder: Path) -> None:
    """Remove what a run that has ended needs no more, and rename it; may be done twice."""
    shutil.rmtree(part / STATES, ignore_errors=True)
    (part / BEGUN_WITH).unlink(missing_ok=True)
    if part.exists():
        part.rename(folder)


def claim_folder(runs: Path, begun: datetime) -> tuple[Path, Path]:
    """Make the hidden folder that a run writes into; no other run gets it or its final name.

    Returns
    -------
    the hidden folder, and the one that it becomes

    Raises
    ------
    TrainingError : no folder can be made in `runs`
    """
    name, number = f"{begun:%Y%m%dT%H%M%SZ}", 1
    try:
        runs.mkdir(parents=True, exist_ok=True)
        while True:
            folder = runs / (name if number == 1 else f"{name}-{number}")
            part = runs / f".{folder.name}.part"
            with suppress(FileExistsError):
                part.mkdir()
                # asked while `part` is ours, so that no other run can become `folder` meanwhile
                if not folder.exists():
                    return part, folder
                part.rmdir()
            number += 1
    except OSError as error:
        raise TrainingError(
            expected="to make a folder for the run", found=error, where=runs
        ) from error


def describe_run(
    recipe: Recipe, data: TrainingData, *, folds: int | None, seeds: int,
    init: TeacherInit | None = None,
) -> dict:
    """Return what a run is begun with; it can be resumed with the very same only."""
    return {
        "recipe": recipe.as_dict(), "folds": folds, "seeds": seeds, "data_hash": data.data_hash,
        "split_hash": data.split_hash, "init_sha256": init and init.sha256,
    }


def find_interrupted(runs: Path, begun_with: dict) -> tuple[Path, Path]:
    """Find the newest run that was interrupted, is not under way, and was begun with the same.

    Returns
    -------
    as `claim_folder`

    Raises
    ------
    TrainingError : there is none
    ResumeError : all were begun with something else; it has all that differs from the newest
    """
    now = json.loads(json.dumps(begun_with))
    refusal: TrainingError = TrainingError(
        expected="an interrupted run", found="none", where=runs, fix=Fix.BEGIN_ANEW
    )
    is_first = True
    for path in sorted(runs.glob(f".*.part/{BEGUN_WITH}"), reverse=True):
        part = path.parent
        if owner_of(runs, named(part.name)) is not None:
            continue
        before = _as_written_today(read_document(_KIND, path))
        others = _differences(before, now)
        if not others:
            return part, runs / run_name(part)
        if is_first:
            is_first = False
            refusal = _refusal(run_name(part), others)
    raise refusal


def interrupted_recipe(data: Path, *, folds: int | None, seeds: int) -> Recipe | None:
    """Return the recipe of the newest run that can be resumed with these folds and seeds.

    Returns
    -------
    None where there is no such run

    Raises
    ------
    TrainingError : what it was begun with cannot be read
    """
    runs = runs_dir(data)
    for path in sorted(runs.glob(f".*.part/{BEGUN_WITH}"), reverse=True):
        if owner_of(runs, named(path.parent.name)) is not None:
            continue
        before = _as_written_today(read_document(_KIND, path))
        if (before.get("folds"), before.get("seeds", 1)) == (folds, seeds):
            text = json.dumps(before.get("recipe")).encode()
            return parse_document(_RECIPE, text, path)
    return None


def _as_written_today(before: dict[str, Any]) -> dict[str, Any]:
    """Bring what an earlier version wrote of a recipe into today's form.

    It had no name, and no other teacher; what it did not hold was done as in the usual recipe.
    """
    recipe = before.get("recipe")
    if not isinstance(recipe, dict):
        return before
    recipe = {"teacher": CAN, **recipe}
    if "sha256" in recipe:
        return {**before, "recipe": recipe}
    beside = ("physnet",) if recipe.pop("physnet", False) else ()
    usual = json.loads(json.dumps(asdict(Recipe(also=beside))))
    distill = {**usual["distill"], **recipe.get("distill", {})}
    return {**before, "recipe": {**usual, **recipe, "distill": distill}}


_Differences = dict[str, tuple[Any, Any]]    # by path in `run.json`: before, now


def _refusal(run: str, others: _Differences) -> ResumeError:
    settings = ", ".join(f"{name} {json.dumps(before)}" for name, (before, _) in others.items())
    error = ResumeError(
        expected=f"{settings} as in the interrupted run {run}",
        found=", ".join(json.dumps(now) for _, now in others.values()),
        fix=Fix.RESUME_AS_BEGUN, of=run,
    )
    error.differences = others
    return error


def _differences(before: Any, now: Any, name: str = "") -> _Differences:
    """Return the settings of `now` that were others before."""
    if not isinstance(now, dict):
        return {} if before == now else {name: (before, now)}
    was = before if isinstance(before, dict) else {}
    found: _Differences = {}
    for key, value in now.items():
        if name == "recipe" and key in ("name", "sha256"):
            continue                     # told by what it holds
        found |= _differences(was.get(key), value, f"{name}.{key}" if name else key)
    return found


def make_states_folder(part: Path, unit: Unit) -> Path:
    """Make the folder of the states of one fold of one seed."""
    folder = part / STATES / f"seed{unit.seed}-fold{unit.fold + 1}"
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def folder_of_unit(root: Path, unit: Unit, *, seeds: int, folds: int) -> Path:
    """Return `root`, or of several seeds or folds the one of this unit below it."""
    if seeds > 1:
        root /= f"seed{unit.seed}"
    return root / f"fold{unit.fold + 1}" if folds > 1 else root


def save_networks(
    part: Path, folds: Sequence[TrainingData], *, recipe: Recipe, trained: AllTrained,
    init: TeacherInit | None = None,
) -> dict[str, str]:
    """Write the checkpoints of every (seed, fold), in `seedS/foldF/` where there are several.

    Those of the teacher and of the student that it taught name what the teacher started from, and
    its people.

    Returns
    -------
    the SHA-256 of each file, by its name in the folder
    """
    seeds, hashes = {seed for seed, _ in trained}, {}
    for (seed, fold), networks in trained.items():
        folder = folder_of_unit(part, Unit(seed, fold), seeds=len(seeds), folds=len(folds))
        folder.mkdir(parents=True, exist_ok=True)
        about = {
            "recipe": replace(recipe, seed=seed).as_dict(), "versions": versions(),
            "subjects": folds[fold].subjects,
        }
        for name, network in networks.items():
            learnt_from, started_from = folds[fold].learnt_from, None
            if init is not None and name in TAUGHT_BY_INIT:
                learnt_from, started_from = init.learnt_from + learnt_from, init.as_dict()
                del started_from["people"]           # they stand in `people`
            path = folder / f"{name}.safetensors"
            save_checkpoint(
                path, network.net, split_hash=folds[fold].split_hash,
                data_hash=folds[fold].data_hash,
                about={**about, "people": learnt_from.as_dict(), "started_from": started_from},
            )
            hashes[path.relative_to(part).as_posix()] = sha256_of(path)
    return hashes
