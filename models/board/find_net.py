"""The network that a person names: an ONNX file, a checkpoint, a run, or the one that acq has."""

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from acquire.data_folder import runs_dir
from acquire.errors import Fix, TrainingError
from dataset.runs import nearest_run

from .onnx_net import BOARD, SHIPPED

ONNX, CHECKPOINT = ".onnx", ".safetensors"
STUDENTS = ("student_kd", "student")         # of a run, the one that is taken first


@dataclass(frozen=True)
class NetFile:
    """A network in a file, and the run that it is from."""

    path: Path
    run: str = ""                # its id; "" where the file is in no run

    @property
    def is_checkpoint(self) -> bool:
        """Whether torch is needed to read it."""
        return self.path.suffix == CHECKPOINT

    def origin(self, constants: dict[str, Any]) -> dict[str, Any]:
        """Return what the network is, by its file and by the constants that it was exported with.

        Keys: file, sha256, run, net, precision, checkpoint, data_hash, split_hash, acq.
        """
        names = ("net", "precision", "checkpoint", "data_hash", "split_hash", "acq")
        return {
            "file": str(self.path), "sha256": hashlib.sha256(self.path.read_bytes()).hexdigest(),
            "run": self.run or None, **{name: constants.get(name) for name in names},
        }

    def describe(self, constants: dict[str, Any]) -> str:
        """Return the same in words: the network, its run or file, and its hash."""
        origin = self.origin(constants)
        precision = origin["precision"]
        name = str(origin["checkpoint"] or origin["net"])
        name += f" ({precision})" if precision not in (None, "float32") else ""
        if self.path.parent == SHIPPED:
            place = ", which comes with acq"
        else:
            place = f" of run {self.run}" if self.run else f" from {self.path}"
        return f"{name}{place} (sha256 {origin['sha256'][:12]})"


def find_net(named: Path | None, data: Path) -> NetFile:
    """Find the network that `named` means.

    Parameters
    ----------
    named : an ONNX file, a checkpoint, the folder of a run or of an export, or the id of a run
        under `data`; of a run, what was exported of it, else its student + KD, else its student.
        None: the student that comes with acq

    Raises
    ------
    TrainingError : there is none
    """
    if named is None:
        return NetFile(SHIPPED / "student.onnx")
    if named.is_file():
        if named.suffix not in (ONNX, CHECKPOINT):
            raise _not_found(named, "a file of another kind")
        return NetFile(named, _run_of(named))
    folder = find_run(named, data)
    for place in (folder, folder / BOARD):
        if (path := place / "student.onnx").is_file():
            return NetFile(path, _run_of(path))
    for name in STUDENTS:
        if (path := folder / f"{name}{CHECKPOINT}").is_file():
            return NetFile(path, _run_of(path))
    raise _not_found(folder, "a folder without a student")


def find_run(named: Path, data: Path) -> Path:
    """Return the folder of a run, or of an export, by its path or by the id of a run under `data`.

    Raises
    ------
    TrainingError : there is none
    """
    if named.is_dir():
        return named
    root = runs_dir(data)
    if len(named.parts) == 1 and (root / named).is_dir():
        return root / named
    if named.exists():
        raise _not_found(named, "a file")
    near = nearest_run(data, named.name, ended=True)
    raise _not_found(named, "nothing", f"did you mean {near}?" if near else Fix.NAME_NET)


def _run_of(path: Path) -> str:
    """Return the id of the run that a file is in: the folder above it with metrics.json."""
    for folder in list(path.absolute().parents)[:4]:
        if (folder / "metrics.json").is_file():
            return folder.name
    return ""


def _not_found(path: Path, found: str, fix: Fix | str = Fix.NAME_NET) -> TrainingError:
    return TrainingError(
        expected="an ONNX file, a checkpoint, a run or an export", found=found, where=f"at {path}",
        fix=fix,
    )
