"""The settings of a training: no torch, so that a recipe is read, or refused, at once."""

import hashlib
import json
from dataclasses import asdict, dataclass, field
from typing import Annotated, Any, Literal

from msgspec import Meta

from dataset.face.frames import Motion
from models.distillation.config import DistillConfig, Positive, Weight
from models.published_nets.titles import CAN

Epochs = Annotated[int, Meta(ge=1, le=100_000)]
# which networks, from where and with which numbers: no part of how a training is done
NOT_HOW = ("name", "seed", "init", "also", "teacher")


@dataclass(frozen=True)
class Recipe:
    """How networks are trained; the defaults are the recipe `acq`, of minutes on two cores."""

    name: str = "acq"
    # what is read of two adjacent frames: see `dataset.face.frames`
    motion: Motion = "standardised"
    epochs: Epochs = 12             # of each student
    teacher_epochs: Epochs = 12     # of the teacher, and of the networks beside
    seed: Annotated[int, Meta(ge=0, le=2**32 - 1)] = 0
    # adjacent pairs of frames that share attention masks
    clip: Annotated[int, Meta(ge=1, le=250)] = 8        # `PAIRS_PER_MASK` of the networks
    batch_clips: Annotated[int, Meta(ge=1, le=100_000)] = 8     # clips of a batch: 64 pairs a step
    learning_rate: Positive = 1e-3  # at the top of the one-cycle schedule
    weight_decay: Weight = 1e-2     # of AdamW
    distill: DistillConfig = field(default_factory=DistillConfig)
    # clips are shifted by at most so many of 36 pixels, and mirrored; 0: neither
    shift: Annotated[int, Meta(ge=0, le=18)] = 3
    # of the loss on the pulse's shape over a clip, for all networks; it needs longer clips
    shape_weight: Weight = 0.0
    # of the student alone, before its teacher joins
    pretrain_epochs: Annotated[int, Meta(ge=0, le=100_000)] = 0
    # of multiplications while training; auto: bfloat16 where the hardware has it
    precision: Literal["auto", "float32", "bfloat16"] = "auto"
    # what the teacher starts from, by any name of a teacher; None: from scratch, as the students do
    init: str | None = None
    also: tuple[str, ...] = ()      # networks that are trained too, for the tables
    teacher: str = CAN              # or the name of a network that can be trained beside

    @property
    def sha256(self) -> str:
        """The hash of how is trained: of all but name, seed, start, teacher and networks beside."""
        how = {key: value for key, value in asdict(self).items() if key not in NOT_HOW}
        return hashlib.sha256(json.dumps(how, sort_keys=True).encode()).hexdigest()

    def as_dict(self) -> dict[str, Any]:
        """Return it with its hash, as it stands in checkpoints and `metrics.json`."""
        return {**asdict(self), "sha256": self.sha256}
