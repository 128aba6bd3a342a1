"""Teacher, student and losses together: one scalar, and its named parts.

`L = L_TaT1 + L_TaT2 + L_S` with the weights of `DistillConfig`. L_S is the mean squared error on the frame-to-frame
change of the PPG, in units of its standard deviation; L_TaT1 compares the middle feature maps, L_TaT2 the last ones. The
teacher is frozen, and in evaluation mode: its batch normalisation does not move and its dropout is off.

At 18x18 places TaT costs more than all of the student. It is a mean over frames, and the clips of a batch are in random
order, so the first `share` of them give it without bias; every epoch cuts and shuffles anew.
"""

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from .data import Batch
from .nets import Student, Teacher
from .tat import Softmax, TatLoss


@dataclass(frozen=True)
class DistillConfig:
    """How much of what the student takes from its teacher."""

    softmax: Softmax = "code"      # see benchmarks/README.md for why, and for the weights
    weight_middle: float = 3.0
    weight_last: float = 3.0
    temperature: float = 1.0
    changes: bool = True           # compare what changes within a clip, not the maps themselves
    share: float = 0.25            # of each batch's clips that are compared with the teacher


def label_loss(pulse: Tensor, batch: Batch) -> Tensor:
    """Give the mean squared error on the PPG's change."""
    return F.mse_loss(pulse.float(), batch.change)


class Distillation(nn.Module):
    """A student, what it needs while it learns, and its frozen teacher."""

    def __init__(self, student: Student, teacher: Teacher, config: DistillConfig) -> None:
        super().__init__()
        self.config = config
        self.student = student
        make = {"softmax": config.softmax, "temperature": config.temperature}
        first, second = student.config.channels
        self.middle = TatLoss(first, **make)
        self.last = TatLoss(second, **make)
        self._teacher = [teacher.eval().requires_grad_(False)]    # in a list: no child, so train() does not reach it

    @property
    def teacher(self) -> Teacher:
        """Give the frozen teacher."""
        return self._teacher[0]

    def forward(self, batch: Batch) -> tuple[Tensor, dict[str, Tensor]]:
        """Give the loss of a batch and its parts: `label`, `middle`, `last`, unweighted."""
        clip = len(batch.motion) // len(batch.appearance)
        clips = max(1, round(self.config.share * len(batch.appearance)))
        pairs = clips * clip
        with torch.no_grad():
            wanted = self.teacher(batch.motion[:pairs], batch.appearance[:clips])
        said = self.student(batch.motion)
        mean_of = clip if self.config.changes else 1
        parts = {
            "label": label_loss(said.pulse, batch),
            "middle": self.middle(said.middle[:pairs], wanted.middle, clip=mean_of),
            "last": self.last(said.last[:pairs], wanted.last, clip=mean_of),
        }
        loss = parts["label"] + self.config.weight_middle * parts["middle"] + self.config.weight_last * parts["last"]
        return loss, {name: part.detach() for name, part in parts.items()}
