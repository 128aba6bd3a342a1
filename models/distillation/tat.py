"""The TaT feature loss: all positions of the student's map may explain one of the teacher's.

A student's unit at some position does not mean what the teacher's unit at the same position means:
their receptive fields differ. Lin et al. ("Knowledge Distillation via the Target-aware
Transformer", CVPR 2022, eq. 3-5) therefore first rebuild the student's map as a weighted sum over
all its positions, the weights being the softmax of the similarity with the teacher's units, and
then compare position by position:

    F_S' = softmax(F_S F_T^T) F_S          L_TaT = ||F_S' - F_T||^2

The text and the published code disagree about that softmax, so both are here:

- ``paper``: for each position i of the teacher, over the positions j of the student: A_ij =
  softmax_j(t_i . s_j), then F_S'_i = sum_j A_ij v_j. The weights are how much each of the student's
  positions explains the teacher's position i.
- ``code``: for each position i of the student, over the positions j of the teacher: A_ij =
  softmax_j(s_i . t_j), then F_S'_i = sum_j A_ij v_j, as `MaskedFM` of the authors' repository does
  with query = student, key = teacher.

``code`` is the default, as it teaches more (benchmarks/README.md): with ``paper`` the query is the
teacher's own map, and the weights carry the teacher into the rebuilt map whatever the student's is.

s (query) and v (value) are the student's map through a 3x3 convolution and batch normalisation
each, as in that repository; the teacher's map has no weights of its own. The embeddings exist
during training only and are no part of the student.

Scale: the teacher's map is first brought to mean 0 and variance 1 in each channel, over frames and
positions. A CAN's maps are small numbers, tanh times a mask of mean 1/2: raw, TaT is 0.02 beside a
label loss of 0.8 and changes nothing, and the scores are so small that the softmax is flat.
Standardised like the student's embeddings, both sides have the same scale from the first step, and
1 means that nothing is explained, at either level, whatever the teacher. ||.||^2 is the mean over
all numbers, as in the authors' code, not the sum. As there, the softmax has no temperature by
default.

With `clip` given, the mean over each clip of adjacent frames is subtracted from both sides before
they are compared (and from the teacher before the similarity is computed): what does not change
within a third of a second is the face and the mask over it, which a student that sees motion only
cannot know; what changes is motion, noise and pulse.
"""

from typing import Literal

import torch
from torch import Tensor, nn
from torch.nn import functional as F

Softmax = Literal["paper", "code"]


def reconfigure(
    query: Tensor, value: Tensor, teacher: Tensor, *, softmax: Softmax, temperature: float = 1.0
) -> Tensor:
    """Rebuild the student's map in the teacher's layout: F_S' of the module's docstring.

    Parameters
    ----------
    query, value : (N, C, H, W) embeddings of the student's map
    teacher : (N, C, H, W)
    softmax : over whose positions the weights are normalised, see above
    temperature : by which similarities are divided

    Returns
    -------
    (N, C, H, W) tensor
    """
    q, v, t = (x.flatten(2).transpose(1, 2) for x in (query, value, teacher))    # (N, H*W, C)
    left, right = (t, q) if softmax == "paper" else (q, t)
    # softmax(left right^T / temperature) v, without ever storing the (H*W)^2 weights where torch
    # has a kernel for it; torch takes the maximum out of each row first, so that large scores
    # cannot overflow.
    rebuilt = F.scaled_dot_product_attention(left, right, v, scale=1.0 / temperature)
    return rebuilt.transpose(1, 2).reshape(teacher.shape)


class TatLoss(nn.Module):
    """TaT at one pair of feature maps of equal shape, with its embeddings."""

    def __init__(self, channels: int, *, softmax: Softmax, temperature: float = 1.0) -> None:
        super().__init__()
        if softmax not in ("paper", "code"):
            raise ValueError(f"softmax must be 'paper' or 'code', got {softmax!r}")
        self.softmax: Softmax = softmax
        self.temperature = temperature
        self.query = _embedding(channels)
        self.value = _embedding(channels)

    def forward(self, student: Tensor, teacher: Tensor, *, clip: int = 1) -> Tensor:
        """Compute the mean squared difference of rebuilt student's and standardised teacher's map.

        Parameters
        ----------
        student, teacher : (N, C, H, W)
        clip : where it is more than 1, N is a multiple of it, and the mean over every `clip`
            successive maps is subtracted first
        """
        target = standardise(teacher, clip)
        rebuilt = reconfigure(self.query(student), self.value(student), target.to(student.dtype),
                              softmax=self.softmax, temperature=self.temperature).float()
        return torch.mean((subtract_clip_mean(rebuilt, clip) - target) ** 2)


def standardise(teacher: Tensor, clip: int) -> Tensor:
    """Bring a teacher's (N, C, H, W) map to mean 0 and variance 1 in each channel.

    The mean over each clip is subtracted first.
    """
    return F.batch_norm(subtract_clip_mean(teacher.float(), clip), None, None, training=True)


def subtract_clip_mean(maps: Tensor, clip: int) -> Tensor:
    """Subtract the mean over each clip from (N, C, H, W) maps; with clips of 1, nothing."""
    if clip == 1:
        return maps
    clips = maps.unflatten(0, (-1, clip))
    return (clips - clips.mean(dim=1, keepdim=True)).flatten(0, 1)


def _embedding(channels: int) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(channels, channels, 3, padding="same", bias=False), nn.BatchNorm2d(channels)
    )
