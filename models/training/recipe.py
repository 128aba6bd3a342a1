"""The settings of a training, and its result."""

from dataclasses import dataclass, field

from models.distillation.distill import DistillConfig
from models.evaluation.video_result import VideoResult
from models.nets.can import PAIRS_PER_MASK, Net

from .state import LossCurve


@dataclass(frozen=True)
class Recipe:
    """How networks are trained; the defaults fit a first experiment of minutes on two cores."""

    epochs: int = 12                # of each student
    teacher_epochs: int = 12        # of the teacher, and of PhysNet
    seed: int = 0
    clip: int = PAIRS_PER_MASK      # adjacent pairs of frames that share attention masks
    batch_clips: int = 8            # clips of a batch: 64 pairs a step
    learning_rate: float = 1e-3     # at the top of the one-cycle schedule
    weight_decay: float = 1e-2      # of AdamW
    distill: DistillConfig = field(default_factory=DistillConfig)
    # clips are shifted by at most so many of 36 pixels, and mirrored; 0: neither
    shift: int = 3
    # of the loss on the pulse's shape over a clip, for all networks; it needs longer clips
    shape_weight: float = 0.0
    pretrain_epochs: int = 0        # of the student alone, before its teacher joins
    # what the teacher starts from, by any name of a teacher; None: from scratch, as the students do
    init: str | None = None
    physnet: bool = False           # whether PhysNet is trained too
    precision: str = "auto"         # or "float32", "bfloat16": of multiplications while training


@dataclass(frozen=True)
class Trained:
    """One network after training and test."""

    net: Net
    curve: LossCurve
    videos: list[VideoResult]       # the videos that it was tested on
    seconds: float                  # of training
    ms_per_frame: float
