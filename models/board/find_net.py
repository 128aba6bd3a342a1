"""The network that a person names: an ONNX file, a checkpoint, a run, or the one that acq has."""

import hashlib
import re
from contextlib import suppress
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from acquire.data_folder import runs_dir
from acquire.errors import Fix, TrainingError
from dataset.runs import (
    METRICS,
    check_as_written,
    find_run_folder,
    nearest_run,
    run_folder_of,
    written_networks,
)

from .onnx_net import BOARD, SHIPPED

ONNX, CHECKPOINT = ".onnx", ".safetensors"
TEACHER = f"teacher{CHECKPOINT}"
COMES_WITH_ACQ = Path("shipped")            # the name of what comes with acq, for every reader
_FOLD = re.compile(r"fold\d+")
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
    """Find the network that `named` means, to read a pulse with.

    Parameters
    ----------
    named : an ONNX file, a checkpoint, the folder of a run or of an export, or the id of a run
        under `data`; of a run, what was exported of it, else its student + KD, else its student.
        None or `shipped`: the student that comes with acq

    Raises
    ------
    TrainingError : there is none
    """
    named = named or COMES_WITH_ACQ
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
    refuse_several(folder)
    raise _not_found(folder, "a folder without a student")


def find_teacher(named: Path, data: Path) -> NetFile:
    """Find the checkpoint of the teacher that `named` means.

    Parameters
    ----------
    named : a checkpoint, the folder or the id of a run, or `shipped`, what comes with acq

    Raises
    ------
    TrainingError : there is none
    """
    if named.is_file():
        if named.suffix != CHECKPOINT:
            raise _no_teacher(named, "a file of another kind")
        return NetFile(named, _run_of(named))
    folder = find_run(named, data)
    if (path := folder / TEACHER).is_file():
        return NetFile(path, _run_of(path))
    if folder == SHIPPED:
        raise TrainingError(
            expected="the teacher that comes with acq", found="none in this installation",
            where=SHIPPED, fix="name the checkpoint of another, or a run",
        )
    if several := _below(folder, TEACHER):
        raise _no_teacher(folder, "a run of several", f"name one of them, such as {several[0]}")
    raise _no_teacher(folder, "a folder without one")


def refuse_several(folder: Path) -> None:
    """Refuse the folder of a run whose students lie below it, one for each fold or seed.

    Raises
    ------
    TrainingError : it is one
    """
    for name in STUDENTS:
        if several := _below(folder, f"{name}{CHECKPOINT}"):
            raise TrainingError(
                expected="one student",
                found=f"a run of several folds or seeds with {len(several)} of them",
                where=f"at {folder}", fix=f"name one of them, such as {several[0]}",
            )


def _below(folder: Path, name: str) -> list[Path]:
    """Return the files of a name in the folds and seeds of a run, in their order."""
    places = ("seed*", "fold*", "seed*/fold*")
    found = [path for place in places for path in folder.glob(f"{place}/{name}")]
    return sorted(found, key=lambda path: (_number(path.parent.parent), _number(path.parent)))


def has_shipped_teacher() -> bool:
    """Return whether a teacher comes with this installation."""
    return (SHIPPED / TEACHER).is_file()


def find_nets(named: Path, data: Path) -> dict[str, Path]:
    """Find every network that `named` means, by the name under which a table has it.

    Parameters
    ----------
    named : a checkpoint or an ONNX file; the folder or the id of a run or of an export, or
        `shipped`: all checkpoints in it, or else its students as ONNX; RUN/NET: one of them

    Raises
    ------
    TrainingError : there is none
    """
    if named.is_file() and named.suffix in (CHECKPOINT, ONNX):
        return {named.stem: named}
    if len(named.parts) > 1 and not named.is_dir():
        with suppress(TrainingError):
            folder = find_run(named.parent, data)
            for suffix in (CHECKPOINT, ONNX):
                if (path := folder / f"{named.name}{suffix}").is_file():
                    return {f"{_called(folder)}/{named.name}": path}
    folder = find_run(named, data)
    for pattern in (f"*{CHECKPOINT}", f"student*{ONNX}", f"*/*{CHECKPOINT}"):
        found = sorted(folder.glob(pattern))
        if found and "/" in pattern:
            raise TrainingError(
                expected="the checkpoints of one training", found="a run of several", where=folder,
                fix=f"name one of them, such as {found[0].parent}",
            )
        if found:
            return {f"{_called(folder)}/{path.stem}": path for path in found}
    raise TrainingError(
        expected="checkpoints (*.safetensors)", found="none", where=folder, fix=Fix.NAME_NET
    )


def find_trainings(named: Path, data: Path) -> dict[str, list[Path]]:
    """Find the checkpoints of a run of several folds or seeds, by the name of each network.

    Parameters
    ----------
    named : the folder or the id of a run; or RUN/NET, RUN/seedN or RUN/seedN/NET, a part of it

    Returns
    -------
    by RUN/NET, or RUN/seedN/NET of several seeds: the checkpoint of each fold in turn; empty where
        it is no such run
    """
    if named.is_file():
        return {}
    for run in [path for path in (*reversed(named.parents[:2]), named) if path.parts]:
        part = [name.removesuffix(CHECKPOINT) for name in named.parts[len(run.parts):]]
        with suppress(TrainingError):
            trainings = _trainings_of(find_run(run, data))
            if found := {name: trainings[name] for name in trainings if _is_of(name, part)}:
                return found
    return {}


def _is_of(called: str, part: list[str]) -> bool:
    """Return whether a name as above is of a seed, of a network or of both."""
    _, *names = called.split("/")
    return part in (names[:len(part)], names[len(names) - len(part):])


def run_seed_and_net(called: str) -> tuple[str, str, str]:
    """Return the run, the seed and the network of a name as above; "" of what it does not have."""
    match = re.fullmatch(r"([^/]+)/(?:(seed\d+)/)?([^/]+)", called)
    return (match[1], match[2] or "", match[3]) if match else ("", "", called)


def check_none_is_gone(named: Path, data: Path) -> None:
    """Refuse a run, or a part of one, of which a network is gone: the verdict would be another.

    Parameters
    ----------
    named : as for `find_nets` and `find_trainings`; what is no run is not looked at

    Raises
    ------
    TrainingError : one is gone, or the run's metrics cannot be read
    """
    run, part = _run_and_part(named, data)
    written = {} if run is None else written_networks(run)
    for file in written:
        place = list(Path(file).with_suffix("").parts)
        names = [name for name in place if not _FOLD.fullmatch(name)]
        is_asked = part == place[:len(part)] or _is_of("/".join(("", *names)), part)
        if run is not None and is_asked and not (run / file).exists():
            check_as_written(run, file, written)


def _run_and_part(named: Path, data: Path) -> tuple[Path | None, list[str]]:
    """Return the folder of the run that a name is of, and the part of it: seed, fold, network."""
    for above in [path for path in (*reversed(named.parents[:3]), named) if path.parts]:
        with suppress(TrainingError):
            folder = find_run(above, data)
            if run := run_folder_of(folder / METRICS):
                names = (*folder.absolute().relative_to(run).parts, *named.parts[len(above.parts):])
                return run, [name.removesuffix(CHECKPOINT) for name in names]
    return None, []


def in_all_folds(path: Path, data: Path) -> str | None:
    """Return the name of a network in all folds of its run, of the checkpoint of one fold.

    None where it is of no run in folds. The name is as short as it can be in this data folder.
    """
    run = run_folder_of(path)
    if run is None or not _FOLD.fullmatch(path.parent.name):
        return None
    if run.resolve().parent != runs_dir(data).resolve():
        return str(path.parent.parent / path.stem)
    return Path(run.name, path.absolute().parent.parent.relative_to(run), path.stem).as_posix()


def check_part_of_run(named: Path, data: Path) -> None:
    """Refuse a part that a run does not have, with those that are near, or else all that it has.

    Nothing is refused where the name begins with no run.

    Raises
    ------
    TrainingError : there is the run, and no such part
    """
    for above in [path for path in reversed(named.parents) if path.parts]:
        with suppress(TrainingError):
            folder = find_run(above, data)
            if (folder / METRICS).is_file():
                break
    else:
        return
    names = named.relative_to(above).with_suffix("").parts
    asked = "/".join(name for name in names if not _FOLD.fullmatch(name))
    parts = _parts_of(folder)
    alike = [part for part in parts if part.count("/") == asked.count("/")]
    near = get_close_matches(asked, alike, n=1 if asked in parts else 2)
    called = [f"{folder.name}/{part}" for part in near or parts]
    raise TrainingError(
        expected=f"a network or a seed of the run {folder.name}", found=repr(str(named)),
        fix=f"did you mean {' or '.join(called)}?" if near else f"it has {', '.join(called)}",
    )


def _parts_of(folder: Path) -> list[str]:
    """Return what a run has: its networks, and of several seeds these and the networks of each."""
    called = [name.partition("/")[2] for name in _trainings_of(folder)] or sorted(
        path.stem for path in folder.glob(f"*{CHECKPOINT}")
    )
    nets = [name.rpartition("/")[2] for name in called]
    seeds = [name.partition("/")[0] for name in called]
    return list(dict.fromkeys([*nets, *seeds, *called]))


def _trainings_of(folder: Path) -> dict[str, list[Path]]:
    found: dict[str, list[Path]] = {}
    for place in sorted(folder.glob("seed*"), key=_number) or [folder]:
        seed = "" if place == folder else f"{place.name}/"
        for part in sorted(place.glob("fold*"), key=_number) or ([place] if seed else []):
            for path in sorted(part.glob(f"*{CHECKPOINT}")):
                found.setdefault(f"{_called(folder)}/{seed}{path.stem}", []).append(path)
    return found


def _number(folder: Path) -> int:
    return int("".join(filter(str.isdigit, folder.name)) or 0)


def find_run(named: Path, data: Path) -> Path:
    """Return the folder of a run, or of an export, by its path or by the id of a run under `data`.

    `shipped` is the folder of what comes with acq.

    Raises
    ------
    TrainingError : there is none
    """
    if named == COMES_WITH_ACQ:
        return SHIPPED
    if named.is_dir():
        return named
    if named.exists():
        raise _not_found(named, "a file")
    if len(named.parts) > 1:
        near = nearest_run(data, named.name, ended=True)
        raise _not_found(named, "nothing", f"did you mean {near}?" if near else Fix.NAME_NET)
    try:
        return find_run_folder(data, named.name, ended=True)
    except TrainingError as error:
        fix = Fix.NAME_NET if error.fix is Fix.LIST_RUNS else error.fix
        raise _not_found(named, "nothing", fix) from error


def _called(folder: Path) -> str:
    """Return what a folder of networks is called in a table."""
    return COMES_WITH_ACQ.name if folder == SHIPPED else folder.name


def _run_of(path: Path) -> str:
    """Return the id of the run that a file is in, "" where it is in none."""
    folder = run_folder_of(path)
    return folder.name if folder else ""


def _not_found(path: Path, found: str, fix: Fix | str = Fix.NAME_NET) -> TrainingError:
    return TrainingError(
        expected="an ONNX file, a checkpoint, a run or an export", found=found, where=f"at {path}",
        fix=fix,
    )


def _no_teacher(path: Path, found: str, fix: Fix | str = Fix.NAME_NET) -> TrainingError:
    return TrainingError(
        expected=f"the checkpoint of a teacher, or a run with {TEACHER}", found=found,
        where=f"at {path}", fix=fix,
    )
