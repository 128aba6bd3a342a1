"""What a teacher starts from where that is asked for: the weights of another teacher.

Only the teacher does; both students start from scratch, so that their difference is its help alone.
Nobody whom the other has learnt from may be tested. The file is known by its hash; a copy of it
lies in the run's folder while it trains, so that every process, and a run that is resumed, starts
from the same weights.
"""

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from acquire.atomic import atomic_file
from acquire.errors import TrainingError
from dataset.face.frames import Motion, is_scaled
from dataset.people import LearntFrom, Person
from models.board.find_net import COMES_WITH_ACQ, NetFile, find_teacher
from models.data.videos import TrainingData
from models.nets.can import Teacher
from models.nets.checkpoint import load_checkpoint

from .recipe import Recipe

# of the rate that a teacher from scratch is trained with: a tenth, as is usual, so that a few
# people do not overwrite what many taught; `benchmarks.teacher_init` compares it with others
RATE_FACTOR = 0.1
_COPY = "teacher-init"              # among the states of a run


@dataclass(frozen=True)
class TeacherInit:
    """A teacher in a file, to start another from."""

    # "shipped", or the file in the data folder, or its name where it is elsewhere: no address of
    # this machine, for it stands in the report
    named: str
    file: NetFile
    content: bytes                  # of the file
    learnt_from: LearntFrom

    @property
    def sha256(self) -> str:
        """The hash by which the file is known."""
        return hashlib.sha256(self.content).hexdigest()

    def as_dict(self) -> dict[str, Any]:
        """Return it as it stands in `metrics.json`."""
        return {
            "named": self.named, "run": self.file.run or None, "sha256": self.sha256,
            "learning_rate_factor": RATE_FACTOR, "people": self.learnt_from.as_dict(),
            "people_in_words": str(self.learnt_from),
        }


def read_teacher_init(named: Path, data: Path, motion: Motion = "normalised") -> TeacherInit:
    """Read the teacher to start from.

    Parameters
    ----------
    named : as `models.board.find_net.find_teacher`
    data : the folder in which ids of runs are looked for
    motion : what the teacher to be trained reads of two adjacent frames

    Raises
    ------
    TrainingError : there is none, it is another network, it reads motion of another scale, or
        it does not say whom it has learnt from
    """
    file = find_teacher(named, data)
    checkpoint = load_checkpoint(file.path)
    _load_into(Teacher(), checkpoint.net, file.path)
    # its weights are a start: of two kinds of changes with the same scale, either will do
    if is_scaled(checkpoint.motion) != is_scaled(motion):
        raise TrainingError(
            expected=f"a teacher whose motion has the scale of the recipe's, {motion!r}",
            found=f"one that reads {checkpoint.motion!r}", where=file.path,
            fix="start from another, or change the recipe",
        )
    if checkpoint.learnt_from is None:
        raise TrainingError(
            expected="a checkpoint that says whom it has learnt from", found="one that does not",
            where=file.path, fix="start from another",
        )
    inside = file.path.resolve().is_relative_to(data.resolve())
    called = file.path.resolve().relative_to(data.resolve()) if inside else Path(file.path.name)
    if named == COMES_WITH_ACQ:
        called = named
    return TeacherInit(
        called.as_posix(), file, file.path.read_bytes(), checkpoint.learnt_from
    )


def check_not_tested(init: TeacherInit, folds: Iterable[TrainingData]) -> None:
    """Refuse a teacher that has learnt from somebody who is tested.

    Raises
    ------
    TrainingError : it has, or that cannot be excluded
    """
    tested: set[Person] = {video.person for fold in folds for video in fold.test}
    if known := init.learnt_from.who_of(tested):
        raise TrainingError(
            expected="a teacher to start from that has learnt from nobody who is tested",
            found=f"{', '.join(known)} among the people that it has learnt from",
            where=init.file.path, fix="test others, or start from another teacher",
        )


def keep_copy(init: TeacherInit, states: Path) -> None:
    """Keep the weights beside the states of a run."""
    states.mkdir(exist_ok=True)
    with atomic_file(states / _COPY) as part:
        part.write_bytes(init.content)


def load_copy(states: Path) -> Teacher | None:
    """Load the weights that `keep_copy` kept; None where the teacher starts from scratch.

    Raises
    ------
    TrainingError : the copy cannot be read
    """
    if not (path := states / _COPY).exists():
        return None
    teacher = Teacher()
    _load_into(teacher, load_checkpoint(path).net, path)
    return teacher


def recipe_of_teacher(recipe: Recipe, init: Teacher | None) -> Recipe:
    """Return how a teacher is trained: more gently where it starts from another's weights."""
    if init is None:
        return recipe
    return replace(recipe, learning_rate=RATE_FACTOR * recipe.learning_rate)


def _load_into(teacher: Teacher, other: object, path: Path) -> None:
    """Copy the weights of another teacher of the same sizes.

    Raises
    ------
    TrainingError : it is another network, or of other sizes
    """
    if not isinstance(other, Teacher):
        raise TrainingError(
            expected="the checkpoint of a teacher", found=f"one of a {type(other).__name__}",
            where=path, fix="start from another",
        )
    shapes: Sequence[dict[str, tuple[int, ...]]] = [
        {name: tuple(tensor.shape) for name, tensor in net.state_dict().items()}
        for net in (teacher, other)
    ]
    if shapes[0] != shapes[1]:
        raise TrainingError(
            expected="a teacher of the published sizes", found="one of others", where=path,
            fix="start from another",
        )
    teacher.load_state_dict(other.state_dict())
