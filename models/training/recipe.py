"""What a training is asked to do, and what came of it."""

from dataclasses import dataclass, field

from models.distillation.distill import DistillConfig
from models.evaluation.evaluate import VideoResult
from models.nets.can import Net
from models.training.state import Curve


@dataclass(frozen=True)
class Recipe:
    """How networks are trained; the defaults fit a first experiment of minutes on two cores."""

    epochs: int = 12                # of each student
    teacher_epochs: int = 12
    seed: int = 0
    clip: int = 8                   # adjacent pairs of frames that share attention masks
    batch_clips: int = 8            # so 64 pairs a step
    learning_rate: float = 1e-3     # at the top of the one-cycle schedule
    weight_decay: float = 1e-2      # AdamW's
    distill: DistillConfig = field(default_factory=DistillConfig)
    # pixels of 36 by which clips are shifted at most while training, and mirrored; 0: neither
    shift: int = 3
    # of the loss on the pulse's shape over a clip, for all networks; wants longer clips
    shape_weight: float = 0.0
    pretrain_epochs: int = 0        # of the student alone before its teacher joins
    physnet: bool = False           # whether PhysNet is trained too, as long as the teacher
    precision: str = "auto"  # or "float32", "bfloat16": of the multiplications while training


@dataclass(frozen=True)
class Trained:
    """One network after training and test."""

    net: Net
    curve: Curve                    # per epoch, the mean of the loss and of its parts
    videos: list[VideoResult]
    seconds: float                  # of training
    ms_per_frame: float
