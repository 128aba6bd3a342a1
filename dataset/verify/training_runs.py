"""Verify training runs: the data that their metrics and their checkpoints name."""

from pathlib import Path

from acquire import data_folder
from acquire.errors import AcqError, Fix, TrainingError
from dataset.common.files import sha256_of
from dataset.runs import TrainingRun, check_as_written, read_training_runs, run_name

from .result import References, Verification

_MOST_NAMED = 4
_NOT_CURATED = {"sessions": "the sessions themselves", "published": "a published data set"}


def verify_training_runs(data: Path, verification: Verification, references: References) -> None:
    """Compare every run's networks, by hash where the run has it, and the hashes of its data."""
    runs = read_training_runs(data)
    for run in runs:
        _verify_run(run, verification)
        _verify_start(data, run, verification)
        if run.is_interrupted and not run.problems:
            error = TrainingError(
                f"{run.folder} was interrupted, or is under way", fix=Fix.RESUME_OR_REMOVE,
                of=run_name(run.folder),
            )
            verification.add("unchecked", run.folder, error)
        if references.manifest and run.data_hash:
            _verify_data(run, references.manifest.data_hash, verification)
        verification.checked.update(runs=1, checkpoints=len(run.checkpoints))
    # an earlier version kept no hashes, and an interrupted run has none yet
    if unknown := [run_name(run.folder) for run in runs if run.checkpoints and not run.networks]:
        folder = data_folder.runs_dir(data)
        more = f" and {len(unknown) - _MOST_NAMED} more" if len(unknown) > _MOST_NAMED else ""
        error = TrainingError(
            f"weights in {folder}, of {', '.join(unknown[:_MOST_NAMED])}{more}: no hash of them is "
            "kept, only headers and lengths were compared"
        )
        verification.add("unchecked", folder, error)


def _verify_data(run: TrainingRun, hash_now: str, verification: Verification) -> None:
    """Compare what a run was trained on with the curated folders, where it was these."""
    if run.read_from != "ubfc":
        error = TrainingError(
            f"{run.folder} was trained on {_NOT_CURATED[run.read_from]}, not on the curated "
            "folders: its data hash cannot be compared with theirs"
        )
        verification.add("unchecked", run.folder, error)
    elif run.data_hash != hash_now:
        error = TrainingError(f"{run.folder} was trained on other data than the manifest has now")
        verification.add("stale", run.folder, error)


def _verify_start(data: Path, run: TrainingRun, verification: Verification) -> None:
    """Compare the file that a run's teacher started from with its hash, where it is of this data.

    It is no part of the run, which is whole without it.
    """
    if run.started_from is None:
        return
    path = data / run.started_from.named
    if not path.resolve().is_relative_to(data_folder.runs_dir(data).resolve()):
        return
    words = f"{run.folder}: its teacher started from {path}, which is"
    if not path.is_file():
        verification.add("unchecked", run.folder, TrainingError(f"{words} not there any more"))
    elif sha256_of(path) != run.started_from.sha256:
        verification.add("stale", run.folder, TrainingError(f"{words} another now"))


def _verify_run(run: TrainingRun, verification: Verification) -> None:
    for problem in run.problems:
        verification.add("broken", run.folder, problem)
    for name in run.networks:
        try:
            check_as_written(run.folder, name, run.networks)
        except AcqError as error:
            verification.add("broken", run.folder / name, error)
    for name, data_hash in run.checkpoints.items():
        if run.data_hash and data_hash != run.data_hash:
            path = run.folder / name
            error = TrainingError(
                expected=f"data hash {run.data_hash[:12]} of its run", found=data_hash[:12],
                where=path, fix="it is of another run: move it there",
            )
            verification.add("broken", path, error)
