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

Scale: the teacher's map may first be brought to mean 0 and variance 1 in each channel, over frames
and positions. A CAN's maps are small numbers, tanh times a mask of mean 1/2: raw, the mean square
is 0.02 beside a label loss of 0.8 and changes nothing, and the scores are so small that the softmax
is flat. Standardised like the student's embeddings, both sides have the same scale from the first
step, and 1 means that nothing is explained, at either level, whatever the teacher. As in the
authors' code, the softmax has no temperature by default.

||.||^2 can be read in three ways, and all are here (`Norm`): the ``sum`` of squares over the map of
a frame, which is the equation as it is written; the ``mean`` over all numbers, as in the authors'
code; and the ``root``, the Euclidean norm of a frame's map without the square. The first and the
last are averaged over frames.

With `clip` given, the mean over each clip of adjacent frames is subtracted from both sides before
they are compared (and from the teacher before the similarity is computed): what does not change
within a third of a second is the face and the mask over it, which a student that sees motion only
cannot know; what changes is motion, noise and pulse.
"""

from torch import Tensor, nn
from torch.nn import functional as F

from .config import Norm, Softmax


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


def distance(maps: Tensor, target: Tensor, norm: Norm) -> Tensor:
    """Compute ||maps - target||^2 of two (N, C, H, W) maps, by one reading of the norm.

    Raises
    ------
    ValueError : not one of `Norm`
    """
    square = (maps - target).square()
    if norm == "mean":
        return square.mean()
    if norm not in ("sum", "root"):
        raise ValueError(f"norm must be 'mean', 'sum' or 'root', got {norm!r}")
    of_frames = square.flatten(1).sum(dim=1)
    # the root's slope at zero is not finite
    return (of_frames if norm == "sum" else (of_frames + 1e-12).sqrt()).mean()


class TatLoss(nn.Module):
    """TaT at one pair of feature maps of equal shape, with its embeddings."""

    def __init__(
        self, channels: int, *, softmax: Softmax, temperature: float = 1.0, norm: Norm = "mean",
        scaled: bool = True,
    ) -> None:
        super().__init__()
        if softmax not in ("paper", "code"):
            raise ValueError(f"softmax must be 'paper' or 'code', got {softmax!r}")
        self.softmax: Softmax = softmax
        self.temperature = temperature
        self.norm: Norm = norm
        self.scaled = scaled
        self.query = _embedding(channels)
        self.value = _embedding(channels)

    def forward(self, student: Tensor, teacher: Tensor, *, clip: int = 1) -> Tensor:
        """Compute the distance of the student's rebuilt map and the teacher's.

        Parameters
        ----------
        student, teacher : (N, C, H, W)
        clip : where it is more than 1, N is a multiple of it, and the mean over every `clip`
            successive maps is subtracted first
        """
        target = prepare_target(teacher, clip, scaled=self.scaled)
        rebuilt = reconfigure(self.query(student), self.value(student), target.to(student.dtype),
                              softmax=self.softmax, temperature=self.temperature).float()
        return distance(subtract_clip_mean(rebuilt, clip), target, self.norm)


def prepare_target(teacher: Tensor, clip: int, *, scaled: bool) -> Tensor:
    """Subtract the mean over each clip from a teacher's (N, C, H, W) map.

    Parameters
    ----------
    scaled : each channel is brought to mean 0 and variance 1 then
    """
    changes = subtract_clip_mean(teacher.float(), clip)
    return F.batch_norm(changes, None, None, training=True) if scaled else changes


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
