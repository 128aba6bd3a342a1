"""What a network of another paper predicts for a whole video, clip by clip."""

import time
from dataclasses import replace

import numpy as np
import torch
from torch import Tensor, nn

from models.data.net_clips import VideoInputs
from models.data.videos import CuratedVideo
from models.published_nets.spec import PublishedNet, Reads, example_inputs

from .inference import one_thread
from .video_result import VideoResult, evaluate_changes, evaluate_pulse

# of what a network predicts: how clips of it become a recording's
JOINED = {
    "change": "summed up to a pulse",
    "pulse": "brought to unit variance in each clip, clips half over each other",
    "rate": "the median over the clips of a window, two a second",
}
_WARM_UP, _TIMED = 1, 3         # runs
_CLIPS_EVERY_S = 0.5            # of networks that predict a rate
_ROUNDING = 1e-6                # of numbers of 32 bits, relatively


def read_by_clips(net: nn.Module, video: CuratedVideo, *, device: str = "cpu") -> VideoResult:
    """Let a network read a video, and compare its heart rates with the finger's.

    Raises
    ------
    TrainingError : the finger's rate can be told in no window of the video; its frames are not at
        hand in the network's size
    """
    net.eval()
    assert isinstance(net, PublishedNet)
    reads, inputs = net.reads, VideoInputs(video, net.reads)
    if reads.predicts == "change":
        return evaluate_changes(_join_changes(net, inputs, reads, device), video)
    if reads.predicts == "rate":
        return _evaluate_rates(net, inputs, video, device)
    return evaluate_pulse(_join_pulses(net, inputs, reads, device), video)


def answers_of(net: nn.Module, video: CuratedVideo, *, device: str = "cpu") -> Tensor:
    """Return what a network predicts of each pair of a video, to teach a student: (T - 1,) float32.

    A predicted pulse is differenced; what has no scale of its own is brought to unit variance over
    the video, as the label is.

    Raises
    ------
    TrainingError : the video's frames are not at hand in the network's size
    """
    net.eval()
    assert isinstance(net, PublishedNet)
    reads, inputs = net.reads, VideoInputs(video, net.reads)
    if reads.predicts == "change":
        changes = _join_changes(net, inputs, reads, device)
    else:
        changes = np.diff(_join_pulses(net, inputs, reads, device))
    if not reads.has_scale:
        changes = _standardised(changes)
    return torch.from_numpy(changes.astype(np.float32))


def _join_changes(net: nn.Module, inputs: VideoInputs, reads: Reads, device: str) -> np.ndarray:
    """Predict the change over each pair: (T - 1,), one clip after another."""
    pairs = inputs.frames - 1
    parts = []
    for at in range(0, pairs, reads.clip):
        first = max(0, min(at, pairs - reads.clip))    # the last clip has its full length too
        changes = _predict(net, inputs, first, device)
        if not reads.has_scale:
            changes = _standardised(changes)
        parts.append(changes[at - first : pairs - first])
    return np.concatenate(parts)


def _join_pulses(net: nn.Module, inputs: VideoInputs, reads: Reads, device: str) -> np.ndarray:
    """Predict the pulse at each frame: (T,), clips half over each other, by a Hann window."""
    frames, clip = inputs.frames, reads.clip
    last = max(0, frames - clip)
    # not 0 at the ends, where no other clip may be
    weights = np.hanning(clip + 2)[1:-1]
    total, pulse = np.zeros(frames), np.zeros(frames)
    for first in sorted({*range(0, last, max(1, clip // 2)), last}):
        part = _standardised(_predict(net, inputs, first, device))
        within = slice(first, min(first + clip, frames))
        length = within.stop - first
        pulse[within] += weights[:length] * part[:length]
        total[within] += weights[:length]
    return pulse / total


def _evaluate_rates(
    net: nn.Module, inputs: VideoInputs, video: CuratedVideo, device: str
) -> VideoResult:
    """Let a network that predicts no pulse read a rate in each window.

    A window's rate is the median over the clips in it, two a second; that of a clip longer than a
    window, of which no whole one is in it, is read about its middle. There is no pulse, and so no
    SNR and no correlation.
    """
    clip, last = inputs.reads.clip, max(0, inputs.frames - inputs.reads.clip)
    time_s = video.time_s - video.time_s[0]
    every = max(1, round(_CLIPS_EVERY_S * inputs.fs_hz(0)))
    firsts = np.array(sorted({*range(0, last, every), last}))
    ends = np.minimum(firsts + clip, inputs.frames) - 1
    bpm = np.array([
        60 * inputs.fs_hz(first) * float(_predict(net, inputs, first, device)) for first in firsts
    ])
    result = evaluate_pulse(np.zeros(inputs.frames), video)
    middle_s = (time_s[firsts] + time_s[ends]) / 2
    room_s = np.maximum(0, (result.window_s - (time_s[ends] - time_s[firsts])) / 2)
    off_s = np.abs(middle_s - (result.start_s[:, None] + result.window_s / 2))      # (W, clips)
    nearest = off_s.min(axis=1, keepdims=True)
    is_in = (off_s <= room_s) | (off_s == nearest)
    predicted_bpm = np.array([np.median(bpm[inside]) for inside in is_in])
    whole_bpm = float(np.median(bpm))
    return replace(
        result, predicted_bpm=predicted_bpm,
        toolbox=replace(result.toolbox, fft_bpm=whole_bpm, peak_bpm=whole_bpm),
        toolbox_of_paper=replace(
            result.toolbox_of_paper, fft_bpm=whole_bpm, peak_bpm=whole_bpm
        ),
    )


def _predict(net: nn.Module, inputs: VideoInputs, first: int, device: str) -> np.ndarray:
    """Predict one clip: (T,) float64, or a rate without axes."""
    clip: tuple[Tensor, ...] = tuple(part[None].to(device) for part in inputs.cut(first))
    with torch.no_grad(), one_thread():
        return net(*clip)[0].float().cpu().numpy().astype(np.float64)


def _standardised(trace: np.ndarray) -> np.ndarray:
    """Return a trace of mean 0 and variance 1; zeros where it is constant but for rounding."""
    sd = float(trace.std())
    if sd <= _ROUNDING * float(np.abs(trace).max()):
        return np.zeros_like(trace)
    return (trace - trace.mean()) / sd


def ms_per_frame_of_clips(net: nn.Module) -> float:
    """Measure the median processor time [ms] of a clip, over its frames, on one thread."""
    net = net.cpu().eval()
    assert isinstance(net, PublishedNet)
    inputs, times_s = example_inputs(net.reads), []
    with torch.inference_mode(), one_thread():
        for _ in range(_WARM_UP + _TIMED):
            begun = time.thread_time()
            net(*inputs)
            times_s.append(time.thread_time() - begun)
    return 1000 * float(np.median(times_s[_WARM_UP:])) / net.reads.clip
