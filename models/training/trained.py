"""The result of a training."""

from dataclasses import dataclass

from models.evaluation.video_result import VideoResult
from models.nets.can import Net

from .state import LossCurve


@dataclass(frozen=True)
class Trained:
    """One network after training and test."""

    net: Net
    curve: LossCurve
    videos: list[VideoResult]       # the videos that it was tested on
    seconds: float                  # of training
    ms_per_frame: float
