"""Training runs as files: whose recordings each network saw, told from `metrics.json` and from the
headers of its checkpoints.

Reading a header needs neither torch nor safetensors: eight bytes give its length, then it is JSON
(format of safetensors, Hugging Face). No weight is loaded and no code in a file is run.
"""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from acquire import data_folder
from acquire.errors import TrainingError

METRICS = "metrics.json"
_LARGEST_HEADER = 100_000_000      # bytes; safetensors' own limit


@dataclass(frozen=True)
class Run:
    """One folder under `data/runs`."""

    folder: Path
    train: tuple[str, ...]                 # pseudonyms, as metrics.json has them
    test: tuple[str, ...]
    data_hash: str                         # of metrics.json; "" where there is none
    split_hash: str
    checkpoints: dict[str, str]            # file name: data hash in its header
    problems: tuple[str, ...]              # what could not be read, one line each

    @property
    def data_hashes(self) -> set[str]:
        """Every data hash that the run or one of its checkpoints holds."""
        return {self.data_hash, *self.checkpoints.values()} - {""}


def read_runs(data: Path) -> list[Run]:
    """Look at every folder of `data/runs`, sorted; one that a training did not finish, and hid,
    too.
    """
    root = data_folder.runs_dir(data)
    return (
        [_read(path) for path in sorted(root.iterdir()) if path.is_dir()] if root.is_dir() else []
    )


def newest_run(data: Path) -> Path:
    """Give the folder of the run that began last, of those that ended.

    Raises
    ------
    TrainingError : none has
    """
    root = data_folder.runs_dir(data)
    ended = (
        [path for path in root.iterdir() if path.is_dir() and not path.name.startswith(".")]
        if root.is_dir()
        else []
    )
    if not ended:
        raise TrainingError(f"expected a run in {root}, found none; acq train-kd makes one")
    # 20261125T100000Z, -2, -10
    return max(ended, key=lambda path: (path.name.partition("-")[0], len(path.name), path.name))


def _read(folder: Path) -> Run:
    problems, checkpoints = [], {}
    metrics: dict[str, Any] = {}
    path = folder / METRICS
    try:
        metrics = json.loads(path.read_text(encoding="utf-8"))
        train, test = (_names(metrics["subjects"][side]) for side in ("train", "test"))
        data_hash, split_hash = (_text(metrics[name]) for name in ("data_hash", "split_hash"))
    except (OSError, ValueError, KeyError, TypeError) as error:
        problems.append(
            f"expected subjects and hashes of a run, got: {type(error).__name__} {_line(error)}, "
            f"in {path}"
        )
        train, test, data_hash, split_hash = (), (), "", ""
    for file in sorted(folder.rglob("*.safetensors")):
        try:
            checkpoints[file.relative_to(folder).as_posix()] = _data_hash(file)
        except (OSError, ValueError, KeyError, TypeError) as error:
            problems.append(
                f"expected a whole checkpoint, got: {type(error).__name__} {_line(error)}, in "
                f"{file}"
            )
    return Run(folder, train, test, data_hash, split_hash, checkpoints, tuple(problems))


def _data_hash(path: Path) -> str:
    """Read the data hash in a checkpoint's header, and hold the header against the file's length.
    """
    with path.open("rb") as file:
        length = int.from_bytes(file.read(8), "little")
        if not 2 <= length <= _LARGEST_HEADER:
            raise ValueError(f"a header of {length} bytes")
        header = json.loads(file.read(length))
    ends = [int(one["data_offsets"][1]) for name, one in header.items() if name != "__metadata__"]
    if (expected := 8 + length + max(ends, default=0)) != (found := path.stat().st_size):
        raise ValueError(f"{found} bytes instead of {expected}")
    return _text(header["__metadata__"]["data_hash"])


def _names(value: object) -> tuple[str, ...]:
    if not isinstance(value, list) or not all(isinstance(name, str) for name in value):
        raise TypeError("subjects that are no list of names")
    return tuple(value)


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise TypeError("a hash that is no text")
    return value


def _line(error: Exception) -> str:
    return " ".join(str(error).split())[:200]
