"""Teacher, student and losses together: one scalar, and its named parts.

`L = L_S + w_1 L_1 + w_2 L_2 + w_P L_P`, a recipe's `distill`. L_S is the mean squared error on the
frame-to-frame change of the PPG, in units of its standard deviation. L_1 and L_2 compare the middle
and the last feature maps: by TaT as the paper does, or by FitNet's hints or attention transfer, for
comparison. L_P is the mean squared difference of the two networks' predictions. The finger's PPG is
what the pulse did, not what two frames can show of it; the teacher's prediction is the visible
part, a target with far less noise. A weight of zero switches a part off. The paper has no L_P; its
weights, norm and maps are those of the recipe `paper`. The teacher is frozen and in evaluation
mode: its batch normalisation does not change and its dropout is off.

At 18x18 positions TaT costs more than all of the student. It is a mean over frames, and the clips
of a batch are in random order, so the first `share` of them are an unbiased sample; every epoch
cuts and shuffles anew.
"""

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from models.data.clips import Batch
from models.nets.can import Student, Teacher
from models.published_nets.losses import negative_pearson

from .config import DistillConfig
from .hints import AttentionTransferLoss, FitNetLoss
from .tat import TatLoss


def label_loss(pulse: Tensor, batch: Batch) -> Tensor:
    """Compute the mean squared error on the PPG's change."""
    return F.mse_loss(pulse.float(), batch.ppg_change)


def shape_loss(pulse: Tensor, batch: Batch) -> Tensor:
    """Compute 1 - r of the pulse, the cumulative sum of its change, over each clip; mean of clips.

    Slow drift within a clip, which hardly counts in the mean squared error on the change, counts
    here.
    """
    clips = len(batch.appearance)
    return negative_pearson(
        pulse.float().reshape(clips, -1).cumsum(dim=1),
        batch.ppg_change.reshape(clips, -1).cumsum(dim=1),
    )


class Distillation(nn.Module):
    """A student, the embeddings that only training needs, and its frozen teacher.

    A teacher without feature maps of the student's kind is none here: its answers are in the
    batches, and only they are learnt.
    """

    def __init__(
        self, student: Student, teacher: Teacher | None, config: DistillConfig
    ) -> None:
        super().__init__()
        self.config = config
        self.student = student
        channels = dict(zip(("middle", "last"), student.config.channels, strict=True))
        self.weights = {"middle": config.weight_middle, "last": config.weight_last}
        self.features = nn.ModuleDict({
            level: _make_feature_loss(channels[level], config) for level in channels
            if config.kd != "none" and config.levels in ("both", level) and self.weights[level] > 0
            and teacher is not None
        })
        # in a list: no child, so train() does not reach it
        self._teacher = [] if teacher is None else [teacher.eval().requires_grad_(False)]

    @property
    def teacher(self) -> Teacher | None:
        """The frozen teacher."""
        return self._teacher[0] if self._teacher else None

    def forward(self, batch: Batch) -> tuple[Tensor, dict[str, Tensor], Tensor]:
        """Compute the loss of a batch.

        Returns
        -------
        the loss; its parts, unweighted and without gradient: `label`, and those in use of `middle`,
        `last`, `pulse`; the student's prediction, (N,)
        """
        clip = len(batch.motion) // len(batch.appearance)
        compared_clips = max(1, round(self.config.share * len(batch.appearance)))
        # The teacher predicts for every clip where that is a target, else for those with maps.
        taught_clips = compared_clips if len(self.features) else 0
        if self.config.weight_pulse > 0:
            taught_clips = len(batch.appearance)
        target = None
        if taught_clips and self.teacher is not None:
            with torch.no_grad():
                target = self.teacher(
                    batch.motion[: taught_clips * clip], batch.appearance[:taught_clips]
                )
        answer = batch.answer if target is None else target.pulse
        output = self.student(batch.motion)
        parts = {"label": label_loss(output.pulse, batch)}
        loss = parts["label"]
        if target is not None:
            pairs, mean_of = compared_clips * clip, clip if self.config.changes else 1
            for level, feature_loss in self.features.items():
                parts[level] = feature_loss(
                    getattr(output, level)[:pairs], getattr(target, level)[:pairs], clip=mean_of
                )
                loss = loss + self.weights[level] * parts[level]
        if answer is not None and self.config.weight_pulse > 0:
            parts["pulse"] = F.mse_loss(output.pulse.float(), answer.float())
            loss = loss + self.config.weight_pulse * parts["pulse"]
        return loss, {name: part.detach() for name, part in parts.items()}, output.pulse


def _make_feature_loss(channels: int, config: DistillConfig) -> nn.Module:
    if config.kd == "tat":
        return TatLoss(
            channels, softmax=config.softmax, temperature=config.temperature, norm=config.norm,
            scaled=config.scaled,
        )
    if config.kd == "fitnet":
        return FitNetLoss(channels, norm=config.norm, scaled=config.scaled)
    return AttentionTransferLoss(scaled=config.scaled)
