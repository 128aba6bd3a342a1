"""The TaT feature loss: each place of the teacher's map may be explained by all places of the
student's.

A student's unit at some place does not mean what the teacher's unit at the same place means: their
receptive fields differ. Lin et al. ("Knowledge Distillation via the Target-aware Transformer", CVPR
2022, eq. 3-5) therefore first rebuild the student's map as a weighted sum over all its places, the
weights being the softmax of the similarity with the teacher's units, and then compare place by
place:

    F_S' = softmax(F_S F_T^T) F_S          L_TaT = ||F_S' - F_T||^2

The text and the published code disagree about that softmax, so both are here:

- ``paper``: for each place i of the teacher, over the places j of the student: A_ij = softmax_j(t_i
  . s_j), then F_S'_i = sum_j A_ij v_j. Weights say which student places explain the teacher's place
  i.
- ``code``: for each place i of the student, over the places j of the teacher: A_ij = softmax_j(s_i
  . t_j), then F_S'_i = sum_j A_ij v_j, as `MaskedFM` of the authors' repository does with query =
  student, key = teacher.

``code`` is the default, for it teaches more (benchmarks/README.md): with ``paper`` the query is the
teacher's own map, and the weights carry the teacher into the rebuilt map whatever the student says.

s (query) and v (value) are the student's map through a 3x3 convolution and batch normalisation
each, as in that repository; the teacher's map has no weights of its own. The embeddings exist
during training only and are no part of the student.

Scale: the teacher's map is first brought to mean 0 and variance 1 in each channel, over frames and
places. A CAN's maps are small numbers, tanh times a mask of mean 1/2: raw, TaT is 0.02 beside a
label loss of 0.8 and changes nothing, and the scores are so small that the softmax is flat.
Standardised like the student's embeddings, both sides are alike from the first step, and 1 means
that nothing is explained, at either level, whatever the teacher. ||.||^2 is the mean over all
numbers, as in the authors' code, not the sum. As there, the softmax has no temperature; one may be
set.

With `clip` given, the mean over each clip of adjacent frames is taken out of both sides before they
are compared (and out of the teacher before its similarity is): what does not change within a third
of a second is the face and the mask over it, which a student that sees motion only cannot know;
what changes is motion, noise and pulse.
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
    softmax : whose places the weights are normalised over, see above
    temperature : what similarities are divided by

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
        """Give the mean squared difference of the rebuilt student's map and the teacher's
        standardised one.

        Parameters
        ----------
        student, teacher : (N, C, H, W)
        clip : with more than 1, N is a multiple of it, and of every `clip` successive maps the mean
            is taken out first
        """
        wanted = standardised(teacher, clip)
        rebuilt = reconfigure(self.query(student), self.value(student), wanted.to(student.dtype),
                              softmax=self.softmax, temperature=self.temperature).float()
        return torch.mean((without_clip_mean(rebuilt, clip) - wanted) ** 2)


def standardised(teacher: Tensor, clip: int) -> Tensor:
    """Bring a teacher's (N, C, H, W) map, without its mean over each clip, to mean 0 and variance 1
    in each channel.
    """
    return F.batch_norm(without_clip_mean(teacher.float(), clip), None, None, training=True)


def without_clip_mean(maps: Tensor, clip: int) -> Tensor:
    """Take the mean over each clip out of (N, C, H, W) maps; what is left changes within the clip.
    With 1, nothing is taken.
    """
    if clip == 1:
        return maps
    clips = maps.unflatten(0, (-1, clip))
    return (clips - clips.mean(dim=1, keepdim=True)).flatten(0, 1)


def _embedding(channels: int) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(channels, channels, 3, padding="same", bias=False), nn.BatchNorm2d(channels)
    )
