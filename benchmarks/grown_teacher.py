"""A teacher that begins as a student: it reads what the student reads before it has learnt more.

The motion branch takes over the student's two convolutions and its last layer; each convolution
between starts as the identity, in the middle of its tanh, where that is nearly straight, and both
masks start flat. So a training of hours goes on from a student's instead of from nothing
(Chen, Goodfellow, Shlens, "Net2Net", ICLR 2016).
"""

from typing import cast

import torch
from torch import Tensor, nn

from models.nets.can import Student, Teacher

SMALL = 0.5         # how much of tanh's range a layer uses that starts as the identity
FLAT = 0.5          # a mask's mean, and its value where it is flat
HIDDEN = 0.3        # how much of the answer a hidden unit starts with
NOISE = 0.1         # of its weights, beside the usual ones, so that the units differ


@torch.no_grad()
def grow(student: Student, teacher: Teacher, motion: Tensor) -> None:
    """Set a teacher's weights so that it predicts what the student does.

    Parameters
    ----------
    motion : (N, 3, 36, 36) of usual clips, for the statistics of the layers between
    """
    student.eval()
    x = motion
    for ours, theirs, mask in (
        (teacher.motion1, student.stage1, teacher.attention1),
        (teacher.motion2, student.stage2, teacher.attention2),
    ):
        taken_over, between = cast(nn.Sequential, ours[0]), cast(nn.Sequential, ours[1])
        taken_over.load_state_dict(theirs[0].state_dict())
        mask.conv.weight *= NOISE
        _start_as_identity(between, theirs[0](x))
        x = theirs(x)
    # what comes in is that much smaller than a student's
    cast(nn.Conv2d, cast(nn.Sequential, teacher.motion2[0])[0]).weight /= SMALL * FLAT
    _start_as_student(teacher.head, student.head[1])


def _start_as_identity(between: nn.Sequential, activity: Tensor) -> None:
    """Let a convolution and its batch normalisation pass what comes, SMALL times as large."""
    conv, norm = cast(nn.Conv2d, between[0]), cast(nn.BatchNorm2d, between[1])
    nn.init.dirac_(conv.weight)
    cast(nn.Parameter, conv.bias).zero_()
    mean, variance = activity.mean(dim=(0, 2, 3)), activity.var(dim=(0, 2, 3))
    cast(Tensor, norm.running_mean).copy_(mean)
    cast(Tensor, norm.running_var).copy_(variance)
    norm.weight.copy_(SMALL * (variance + norm.eps).sqrt())
    norm.bias.copy_(SMALL * mean)


def _start_as_student(head: nn.Sequential, last: nn.Module) -> None:
    """Let each hidden unit carry a part of the student's answer."""
    hidden, out = cast(nn.Linear, head[1]), cast(nn.Linear, head[-1])
    last = cast(nn.Linear, last)
    hidden.weight *= NOISE
    hidden.weight += HIDDEN * last.weight / (SMALL * FLAT)
    hidden.bias.copy_((HIDDEN * last.bias).expand_as(hidden.bias))
    out.weight.fill_(1 / (HIDDEN * len(hidden.bias)))
    out.bias.zero_()

