"""Training runs as files: whose recordings each network was trained and tested on.

It is read from `metrics.json` and from the headers of the checkpoints. Reading a header needs
neither torch nor safetensors: eight bytes give its length, the rest is JSON (format of safetensors,
Hugging Face). No weight is loaded and no code in a file is run.
"""

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from difflib import get_close_matches
from pathlib import Path
from typing import Any, Literal

from acquire import data_folder
from acquire.atomic import PART
from acquire.documents import Kind, name_type, parse_document, read_document
from acquire.errors import Fix, TrainingError, fix_of
from acquire.limits import LARGEST_DOCUMENT_BYTES
from acquire.writing import LOCKS

from .common.files import sha256_of
from .people import LearntFrom

METRICS = "metrics.json"
BEGUN_WITH = "run.json"            # of a run that has not ended: with what it was begun
_NETWORK = re.compile(r"(?:seed-?\d+/)?(?:fold\d+/)?[a-z0-9_]+\.safetensors")
# whose rows: the curated folders' (also of an earlier version, which does not say), the sessions'
# themselves, or a published data set's
ReadFrom = Literal["ubfc", "sessions", "published"]


@dataclass(frozen=True)
class StartedFrom:
    """What the teacher of a run started from, as its metrics have it."""

    named: str                             # "shipped"; or a file, in the data folder or a name
    sha256: str
    people: LearntFrom


@dataclass(frozen=True)
class TrainingRun:
    """One folder under `data/runs`."""

    folder: Path
    train: tuple[str, ...]                 # pseudonyms, as metrics.json has them
    test: tuple[str, ...]
    data_hash: str                         # of metrics.json; "" where there is none
    started_from: StartedFrom | None       # what its teacher started from; None: from scratch
    checkpoints: dict[str, str]            # file name: data hash in its header
    problems: tuple[TrainingError, ...]    # what could not be read
    read_from: ReadFrom                    # what its data hash is of
    networks: Mapping[str, str]            # file name: SHA-256 as written; earlier runs: none

    @property
    def is_interrupted(self) -> bool:
        """True where it has not ended, and can be resumed."""
        return self.begun_with_file.exists()

    @property
    def begun_with_file(self) -> Path:
        """What it was begun with, as a file that is there until it has ended."""
        return self.folder / BEGUN_WITH

    @property
    def data_hashes(self) -> set[str]:
        """Every data hash that the run, what it started from or one of its checkpoints holds."""
        before = self.started_from.people.data_hashes if self.started_from else ()
        return {self.data_hash, *self.checkpoints.values(), *before} - {""}

    @property
    def learnt_before(self) -> tuple[str, ...]:
        """Pseudonyms of those from whom what its teacher started from had learnt."""
        return self.started_from.people.subjects if self.started_from else ()


@dataclass(frozen=True)
class _Sides:
    train: tuple[str, ...]
    test: tuple[str, ...]


@dataclass(frozen=True)
class _Metrics:
    """What is read of `metrics.json`."""

    subjects: _Sides
    data_hash: str
    started_from: StartedFrom | None = None
    read_from: ReadFrom = "ubfc"
    networks: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        _check_names(self.networks)


@dataclass(frozen=True)
class _Written:
    """What is read of `metrics.json` to check a checkpoint of the run."""

    networks: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        _check_names(self.networks)


@dataclass(frozen=True)
class _Begun:
    """What is read of `run.json`; one of an earlier version does not say whose data it is."""

    data_hash: str
    subjects: _Sides = _Sides((), ())
    started_from: StartedFrom | None = None
    read_from: ReadFrom = "ubfc"
    networks: dict[str, str] = field(default_factory=dict)      # none: it has written no network


@dataclass(frozen=True)
class _Metadata:
    data_hash: str
    net: str = ""                          # as JSON; "" of a file that does not say it


@dataclass(frozen=True)
class _Tensor:
    data_offsets: tuple[int, int]          # first byte and end, after the header


@dataclass(frozen=True)
class _Header:
    """What is read of a checkpoint's header."""

    metadata: _Metadata
    tensors: dict[str, _Tensor]


def _check_names(networks: Mapping[str, str]) -> None:
    """Refuse networks that no run writes: nothing outside of its folder is read for them."""
    if wrong := [name for name in networks if not _NETWORK.fullmatch(name)]:
        raise ValueError(f"{wrong[0]!r} instead of the file of a network")


def _separate_metadata(header: Any) -> dict[str, Any]:
    if not isinstance(header, dict):
        raise ValueError(f"{name_type(header)} instead of an object")
    return {"metadata": header.pop("__metadata__", None), "tensors": header}


_METRICS = Kind(_Metrics, "subjects and hashes of a run", TrainingError, Fix.TRAIN_AGAIN)
_WRITTEN = Kind(_Written, "hashes of a run's networks", TrainingError, Fix.TRAIN_AGAIN)
_BEGUN = Kind(_Begun, "what a run was begun with", TrainingError, Fix.REMOVE_RUN)
_HEADER = Kind(
    _Header, "a whole checkpoint", TrainingError, Fix.TRAIN_AGAIN, prepare=_separate_metadata
)


def read_training_runs(data: Path) -> list[TrainingRun]:
    """Read every folder of `data/runs`, sorted, also hidden ones of unfinished runs."""
    return [_read_run(folder) for folder in run_folders(data)]


def run_folders(data: Path) -> list[Path]:
    """List the folders of runs by the time they began, also the hidden ones of unfinished runs."""
    root = data_folder.runs_dir(data)
    folders = [path for path in root.iterdir() if path.is_dir()] if root.is_dir() else []
    # names are 20261125T100000Z, then 20261125T100000Z-2, and so on to -10
    return sorted(
        (path for path in folders if path.name != LOCKS),
        key=lambda path: (run_name(path).partition("-")[0], len(run_name(path)), run_name(path)),
    )


def run_name(folder: Path) -> str:
    """Return the name of a run, which its folder has once it has ended."""
    return folder.name.removeprefix(".").removesuffix(PART)


@contextmanager
def naming_run(folder: Path) -> Iterator[None]:
    """Name the run in an error that says to remove one."""
    try:
        yield
    except TrainingError as error:
        if error.fix is Fix.REMOVE_RUN:
            error.of = run_name(folder)
        raise


def nearest_run(data: Path, name: str, *, ended: bool = False) -> str | None:
    """Return the name of the run that was probably meant; None where none is like it.

    Parameters
    ----------
    ended : only one that has ended
    """
    names = [
        run_name(path) for path in run_folders(data) if not (ended and path.name.startswith("."))
    ]
    near = get_close_matches(name, names, n=1, cutoff=0.7)
    return near[0] if near else None


def find_run_folder(data: Path, name: str, *, ended: bool = False) -> Path:
    """Find the folder of a run of this data folder.

    Parameters
    ----------
    name : its name; or its path, which has to lead to that very folder
    ended : only one that has ended

    Raises
    ------
    TrainingError : there is none
    """
    path = Path(name)
    for folder in run_folders(data):
        if run_name(folder) == run_name(path) and not (ended and folder.name.startswith(".")) and (
            len(path.parts) == 1 or folder.parent.resolve() == path.parent.resolve()
        ):
            return folder
    near = nearest_run(data, run_name(path), ended=ended)
    raise TrainingError(
        expected=f"a run {name!r}", found="none", where=data_folder.runs_dir(data),
        fix=f"did you mean {near}?" if near else Fix.LIST_RUNS,
    )


def newest_training_run(data: Path) -> Path:
    """Return the folder of the run that began last, of those that ended.

    Raises
    ------
    TrainingError : there is none
    """
    ended = [path for path in run_folders(data) if not path.name.startswith(".")]
    if not ended:
        raise TrainingError(
            expected="a run", found="none", where=data_folder.runs_dir(data), fix=Fix.TRAIN
        )
    return ended[-1]


def _read_run(folder: Path) -> TrainingRun:
    metrics: _Metrics | _Begun = _Metrics(_Sides((), ()), "")
    problems: list[TrainingError] = []
    checkpoints: dict[str, str] = {}
    try:
        if (begun_with := folder / BEGUN_WITH).exists():
            with naming_run(folder):
                metrics = read_document(_BEGUN, begun_with)
        else:
            metrics = read_document(_METRICS, folder / METRICS)
    except TrainingError as error:
        problems.append(error)
    for path in sorted(folder.rglob("*.safetensors")):
        try:
            checkpoints[path.relative_to(folder).as_posix()] = _read_data_hash(path)
        except TrainingError as error:
            problems.append(error)
    return TrainingRun(
        folder, metrics.subjects.train, metrics.subjects.test, metrics.data_hash,
        metrics.started_from, checkpoints, tuple(problems), metrics.read_from, metrics.networks,
    )


def _read_data_hash(path: Path) -> str:
    """Read the data hash in a checkpoint's header, and compare the header with the file's length.

    Raises
    ------
    TrainingError : it is no checkpoint, or not a whole one
    """
    text, size_bytes = read_header(path)
    header = parse_document(_HEADER, text, path)
    ends = [tensor.data_offsets[1] for tensor in header.tensors.values()]
    if size_bytes != (whole := 8 + len(text) + max(ends, default=0)):
        raise _damaged(f"{size_bytes} bytes instead of {whole}", path)
    check_net_of_name(path, header.metadata.net.strip('"'))
    return header.metadata.data_hash


def run_folder_of(path: Path) -> Path | None:
    """Return the folder of the run that a file is in: the one above it with metrics.json."""
    above = list(path.absolute().parents)[:4]
    return next((folder for folder in above if (folder / METRICS).is_file()), None)


def check_of_run(path: Path) -> None:
    """Refuse a checkpoint in a run that is another than the run wrote under its name.

    Raises
    ------
    TrainingError : it is, or the run's metrics cannot be read
    """
    if folder := run_folder_of(path):
        networks = written_networks(folder)
        check_as_written(folder, path.absolute().relative_to(folder).as_posix(), networks)


def written_networks(folder: Path) -> Mapping[str, str]:
    """Read the SHA-256 of each network that a run wrote, by its file; earlier runs do not say it.

    Raises
    ------
    TrainingError : the run's metrics cannot be read
    """
    return read_document(_WRITTEN, folder / METRICS).networks


def check_as_written(folder: Path, name: str, networks: Mapping[str, str]) -> None:
    """Refuse a checkpoint that is another than its run wrote, or that is gone.

    Parameters
    ----------
    name : of its file, in the folder of the run
    networks : as `TrainingRun` has them; of a file that is not among them nothing is known

    Raises
    ------
    TrainingError : it is
    CurationError : it cannot be read
    """
    path, found = folder / name, "nothing"
    if name not in networks:
        return
    if path.is_file():
        sha256 = sha256_of(path)
        if sha256 == networks[name]:
            return
        same = [other for other in networks if networks[other] == sha256]
        found = f"what it wrote as {same[0]}" if same else "another"
    raise TrainingError(
        expected=f"the network that the run wrote as {name}", found=found, where=f"at {path}",
        fix="bring it back from a copy of the run, or train again",
    )


def check_net_of_name(path: Path, net: str) -> None:
    """Refuse a checkpoint of a run that holds another network than its name says.

    Parameters
    ----------
    net : the kind of network that its header names; "" where it names none

    Raises
    ------
    TrainingError : it does
    """
    named = "student" if path.stem == "student_kd" else path.stem
    # what teaches may be a network of another paper
    is_right = net != "student" if named == "teacher" else net == named
    if net and not is_right:
        raise TrainingError(
            expected=f"a {named}, as the file's name says", found=f"a {net}", where=path,
            fix=_HEADER.fix,
        )


def read_header(path: Path) -> tuple[bytes, int]:
    """Read the header of a file of safetensors, which is JSON; return it, and the file's length.

    Raises
    ------
    TrainingError : the file cannot be read, or the header has an impossible length
    """
    try:
        with path.open("rb") as file:
            length = int.from_bytes(file.read(8), "little")
            if not 2 <= length <= LARGEST_DOCUMENT_BYTES:
                raise _damaged(f"a header of {length} bytes", path)
            return file.read(length), path.stat().st_size
    except OSError as error:
        raise _damaged(error, path) from error


def _damaged(found: object, path: Path) -> TrainingError:
    return TrainingError(
        expected=_HEADER.called, found=found, where=path, fix=fix_of(found, _HEADER.fix)
    )
