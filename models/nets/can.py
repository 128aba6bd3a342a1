"""The teacher, a convolutional attention network, and the student, which reads motion only.

The teacher is CAN (DeepPhys, Chen and McDuff, ECCV 2018) with batch normalisation after each of its
eight convolutions: one branch reads the change between two adjacent frames, the other the first
frame itself. The second computes two attention masks that show the first where skin is. The student
is a motion branch of two convolutions. Both predict one number for each pair of frames: how much
the pulse rises between them.

Both also return the feature maps at their middle (32 x 18 x 18) and their end (64 x 9 x 9), where
the distillation compares them. The parameter counts are the published ones: 795,811 and 24,769.
"""

from dataclasses import asdict, dataclass
from typing import Any, NamedTuple, cast

from torch import Tensor, nn

from models.published_nets.attention.layers import SoftMask
from models.published_nets.registry import OWN, find_network, loaded

SIZE = 36
# adjacent pairs of frames that share the teacher's masks, where its recipe says nothing else
PAIRS_PER_MASK = 8


@dataclass(frozen=True)
class TeacherConfig:
    """The hyperparameters of a teacher."""

    channels: tuple[int, int] = (32, 64)   # of the two stages, in both branches
    hidden: int = 128                      # width of the first fully connected layer
    dropout: float = 0.25                  # after each pooling
    dropout_hidden: float = 0.5            # before the last layer


@dataclass(frozen=True)
class StudentConfig:
    """The hyperparameters of a student."""

    channels: tuple[int, int] = (32, 64)
    dropout: float = 0.25                  # after each pooling


class NetOutput(NamedTuple):
    """The output of a teacher or a student for N pairs of frames."""

    pulse: Tensor     # (N,) predicted frame-to-frame change of the PPG, unit variance
    middle: Tensor    # (N, 32, 18, 18)
    last: Tensor      # (N, 64, 9, 9)


def _conv(inputs: int, outputs: int) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(inputs, outputs, 3, padding="same"), nn.BatchNorm2d(outputs), nn.Tanh()
    )


class Teacher(nn.Module):
    """CAN with batch normalisation."""

    def __init__(self, config: TeacherConfig | None = None) -> None:
        super().__init__()
        self.config = config or TeacherConfig()
        first, second = self.config.channels
        self.motion1 = nn.Sequential(_conv(3, first), _conv(first, first))
        self.motion2 = nn.Sequential(_conv(first, second), _conv(second, second))
        self.appearance1 = nn.Sequential(_conv(3, first), _conv(first, first))
        self.appearance2 = nn.Sequential(_conv(first, second), _conv(second, second))
        self.attention1 = SoftMask(first)
        self.attention2 = SoftMask(second)
        self.pool = nn.AvgPool2d(2)
        self.drop = nn.Dropout(self.config.dropout)
        self.head = nn.Sequential(
            nn.Flatten(),
            nn.Linear(second * (SIZE // 4) ** 2, self.config.hidden), nn.Tanh(),
            nn.Dropout(self.config.dropout_hidden), nn.Linear(self.config.hidden, 1),
        )

    def masks(self, appearance: Tensor) -> tuple[Tensor, Tensor]:
        """Compute the attention masks of M frames: (M, 1, 36, 36) and (M, 1, 18, 18)."""
        x = self.appearance1(appearance)                   # (M, 32, 36, 36)
        first = self.attention1(x)
        x = self.appearance2(self.drop(self.pool(x)))      # (M, 64, 18, 18)
        return first, self.attention2(x)

    def forward(self, motion: Tensor, appearance: Tensor) -> NetOutput:
        """Predict the pulse's change over N pairs of frames.

        Parameters
        ----------
        motion : (N, 3, 36, 36) changes, of one kind of `dataset.face.frames.Motion`
        appearance : (M, 3, 36, 36) in [0, 1], N a multiple of M. With M < N, N / M successive pairs
            share the masks of one frame: a face does not change within a third of a second, and
            this branch is half of all the work.
        """
        pairs_per_mask = len(motion) // len(appearance)
        first, second = (
            mask.repeat_interleave(pairs_per_mask, dim=0) for mask in self.masks(appearance)
        )
        middle = self.pool(self.motion1(motion) * first)            # (N, 32, 18, 18)
        last = self.pool(self.motion2(self.drop(middle)) * second)  # (N, 64, 9, 9)
        return NetOutput(self.head(self.drop(last)).squeeze(1), middle, last)


class Student(nn.Module):
    """Two convolutions and one linear layer over the motion frame."""

    def __init__(self, config: StudentConfig | None = None) -> None:
        super().__init__()
        self.config = config or StudentConfig()
        first, second = self.config.channels
        self.stage1 = nn.Sequential(_conv(3, first), nn.AvgPool2d(2))
        self.stage2 = nn.Sequential(_conv(first, second), nn.AvgPool2d(2))
        self.drop = nn.Dropout(self.config.dropout)
        self.head = nn.Sequential(nn.Flatten(), nn.Linear(second * (SIZE // 4) ** 2, 1))

    def forward(self, motion: Tensor, appearance: Tensor | None = None) -> NetOutput:
        """Predict the pulse's change over N pairs of frames; `appearance` is ignored."""
        middle = self.stage1(motion)             # (N, 32, 18, 18)
        last = self.stage2(self.drop(middle))    # (N, 64, 9, 9)
        return NetOutput(self.head(self.drop(last)).squeeze(1), middle, last)


# kind -> class and configuration; those of other packages are looked up in the registry
NETS: dict[str, tuple[type[nn.Module], type]] = {
    "teacher": (Teacher, TeacherConfig), "student": (Student, StudentConfig),
    **{name: (spec.net, spec.config) for name, spec in OWN.items()},
}
Net = Teacher | Student | nn.Module         # the last: any that the registry has


def count_parameters(net: nn.Module) -> int:
    """Count the weights of a network, frozen or not, without running statistics."""
    return sum(parameter.numel() for parameter in net.parameters())


def describe_net(net: Net) -> dict:
    """Return the kind and the configuration of a network, as `build_net` takes them."""
    kinds = {name: kind for name, (kind, _) in NETS.items()}
    kinds |= {name: spec.net for name, spec in loaded.items()}
    return {
        "net": next(name for name, kind in kinds.items() if type(net) is kind),
        "config": asdict(cast(Any, net.config)),
    }


def find_kind(name: str) -> tuple[type[nn.Module], type] | None:
    """Return class and configuration of a kind of network; None where there is none.

    Raises
    ------
    TrainingError : it is of another package, which cannot be loaded
    """
    if name in NETS:
        return NETS[name]
    spec = find_network(name)
    return None if spec is None else (spec.net, spec.config)


def build_net(description: dict) -> Net:
    """Build the network that `describe_net` described, with fresh weights."""
    kind = find_kind(description["net"])
    if kind is None:
        raise ValueError(f"the network {description['net']!r}")
    net_class, config_class = kind
    config = {
        name: tuple(value) if isinstance(value, list) else value
        for name, value in description["config"].items()
    }
    if description["net"] == "physnet" and "size" not in config:       # of an earlier version
        config |= {"size": SIZE, "input": "motion"}
    return net_class(config_class(**config))
