"""What a network predicts for a video, and how fast."""

import time
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import torch
from torch import Tensor

from models.board.onnx_net import OnnxNet
from models.data.clips import as_input
from models.data.videos import CuratedVideo
from models.nets.can import PAIRS_PER_MASK, SIZE, Net, Teacher

_WARM_UP = 10       # runs that are not timed


@contextmanager
def one_thread() -> Iterator[None]:
    """Let torch compute on one thread meanwhile.

    A sum over several threads has its parts in another order, and other last digits: a run's own
    numbers would not come again with another number of cores.
    """
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(threads)


def predict_changes(
    net: Net, video: CuratedVideo, *, clip: int = PAIRS_PER_MASK, batch: int = 250,
    device: str = "cpu",
) -> np.ndarray:
    """Predict the pulse's change over every pair of frames of a video.

    The teacher's masks are shared by `clip` pairs, as in training.

    Returns
    -------
    (T - 1,) float64 array
    """
    net.eval()
    with torch.no_grad(), one_thread():
        predicted = [
            net(motion.to(device), appearance.to(device)).pulse.float().cpu()
            for motion, appearance in _whole_clips(video, clip, batch, full_scale=255)
        ]
    return torch.cat(predicted)[:len(video.motion)].numpy().astype(np.float64)


def predict_changes_onnx(net: OnnxNet, video: CuratedVideo, *, batch: int = 250) -> np.ndarray:
    """Predict the same with an exported network: (T - 1,) float64 array.

    A teacher's file says how many pairs shared its masks in training.
    """
    clip = net.constants.get("pairs_per_mask", PAIRS_PER_MASK)
    predicted = [
        net.predict(motion.numpy(), appearance.numpy())
        for motion, appearance in _whole_clips(
            video, clip, batch, full_scale=net.constants["appearance_scale"]
        )
    ]
    return np.concatenate(predicted)[:len(video.motion)].astype(np.float64)


def _whole_clips(
    video: CuratedVideo, clip: int, batch: int, *, full_scale: float
) -> Iterator[tuple[Tensor, Tensor]]:
    """Yield motion, and appearance for each `clip` pairs of it; the last pair is repeated."""
    step = batch // clip * clip
    for at in range(0, len(video.motion), step):
        pairs = video.motion[at:at + step]
        padded = torch.cat([pairs, pairs[-1:].expand(-len(pairs) % clip, -1, -1, -1)])
        yield as_input(padded), as_input(video.appearance[at:at + step:clip], full_scale)


def ms_per_frame(net: Net, *, frames: int = 60) -> float:
    """Measure the median processor time [ms] that a network takes for one frame, on one thread.

    What else the machine does is not in it: on an idle one it is the time that passes.

    It is the network alone, from a 36x36 motion frame (and, for the teacher, appearance frame) in
    memory to a number, in float32 on the CPU. Decoding, face detection and averaging come on top,
    and are the same for each network.
    """
    net = net.cpu().eval()
    motion, appearance = torch.zeros(1, 3, SIZE, SIZE), torch.zeros(1, 3, SIZE, SIZE)
    inputs: tuple[Tensor, ...] = (motion, appearance) if isinstance(net, Teacher) else (motion,)
    times_s = []
    with torch.inference_mode(), one_thread():
        for _ in range(frames + _WARM_UP):
            begun = time.thread_time()
            net(*inputs)
            times_s.append(time.thread_time() - begun)
    return 1000 * float(np.median(times_s[_WARM_UP:]))
