"""What a recipe states of distillation: no torch, so that a recipe is read, or refused, at once."""

from dataclasses import dataclass
from typing import Annotated, Literal

from msgspec import Meta

Weight = Annotated[float, Meta(ge=0, le=1e6)]
Positive = Annotated[float, Meta(gt=0, le=1e6)]
Softmax = Literal["paper", "code"]
Norm = Literal["mean", "sum", "root"]
Kd = Literal["tat", "fitnet", "at", "none"]
Levels = Literal["both", "middle", "last"]


@dataclass(frozen=True)
class DistillConfig:
    """What a student learns from its teacher, and with which weights."""

    kd: Kd = "tat"                 # how feature maps are compared; "none": not at all
    levels: Levels = "both"        # which maps are compared
    softmax: Softmax = "code"      # see benchmarks/README.md for why, and for the weights
    norm: Norm = "mean"            # how ||.||^2 is read, of TaT and FitNet; see `tat`
    weight_middle: Weight = 3.0
    weight_last: Weight = 3.0
    weight_pulse: Weight = 3.0     # of the teacher's prediction
    temperature: Positive = 1.0    # of TaT
    scaled: bool = True            # the teacher's maps: each channel to mean 0 and variance 1
    changes: bool = True           # compare changes within a clip, not the maps themselves
    share: Annotated[float, Meta(gt=0, le=1)] = 0.25    # of each batch's clips: maps compared

    @property
    def teaches(self) -> bool:
        """Whether a student learns anything from its teacher: its answer, or feature maps."""
        weights = {"middle": self.weight_middle, "last": self.weight_last}
        compared = weights.values() if self.levels == "both" else [weights[self.levels]]
        return self.weight_pulse > 0 or (self.kd != "none" and any(compared))
