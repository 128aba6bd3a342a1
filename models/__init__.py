"""Networks that read the pulse from a face, their distillation and their evaluation."""

from typing import TYPE_CHECKING

from acquire.lazy import public_names

if TYPE_CHECKING:
    from .data.torch_dataset import CuratedDataset
    from .experiment.run import train_kd
    from .live.predict import predict
    from .live.pulse import open_live_pulse
    from .nets.can import Student, Teacher
    from .whole.read import read_whole

__all__ = [
    "CuratedDataset", "Student", "Teacher", "open_live_pulse", "predict", "read_whole", "train_kd",
]

__getattr__, __dir__ = public_names(__name__, {
    "CuratedDataset": "models.data.torch_dataset",
    "Student": "models.nets.can",
    "Teacher": "models.nets.can",
    "open_live_pulse": "models.live.pulse",
    "predict": "models.live.predict",
    "read_whole": "models.whole.read",
    "train_kd": "models.experiment.run",
})
