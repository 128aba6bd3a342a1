"""Losses that several networks share: correlation, and what a spectrum says of the heart rate."""

import math

import torch
from torch import Tensor
from torch.nn import functional as F

# PhysFormer's classes: whole beats a minute
LEAST_BPM, MOST_BPM = 41, 180


def negative_pearson(predicted: Tensor, target: Tensor) -> Tensor:
    """Compute 1 - r of (B, T) signals, mean over the batch; scale and offset do not count."""
    a, b = (x.float() - x.float().mean(dim=1, keepdim=True) for x in (predicted, target))
    norm = (a.norm(dim=1) * b.norm(dim=1)).clamp(min=torch.finfo(torch.float32).tiny)
    return (1 - (a * b).sum(dim=1) / norm).mean()


def mean_squared(predicted: Tensor, target: Tensor) -> Tensor:
    """Compute the mean squared error."""
    return F.mse_loss(predicted, target)


def power_by_rate(signals: Tensor, fs_hz: Tensor) -> Tensor:
    """Compute the power of (B, T) signals at each whole rate, as shares of 1: (B, 140).

    Parameters
    ----------
    fs_hz : (B,), values a second
    """
    length = signals.shape[1]
    centred = signals.float() - signals.float().mean(dim=1, keepdim=True)
    tapered = centred * torch.hann_window(length, periodic=False, device=signals.device)
    rates_hz = torch.arange(LEAST_BPM, MOST_BPM + 1, device=signals.device) / 60
    cycles = torch.arange(length, device=signals.device)[None, None] * (
        rates_hz[None, :, None] / fs_hz.to(signals.device)[:, None, None]
    )
    phase = 2 * math.pi * cycles                                        # (B, 140, T)
    # no matrix product, which a training in bfloat16 would round
    real, imaginary = (
        (wave * tapered[:, None]).sum(dim=2) for wave in (phase.cos(), phase.sin())
    )
    power = real**2 + imaginary**2 + 1e-9
    return power / power.sum(dim=1, keepdim=True)


def rate_losses(predicted: Tensor, target: Tensor, fs_hz: Tensor) -> tuple[Tensor, Tensor]:
    """Compute how far a spectrum is from the target's heart rate: two means over the batch.

    Returns
    -------
    the cross-entropy of the rate at which the target has most power, and the Kullback-Leibler
    divergence from a normal distribution about that rate, of deviation 1 bpm
    """
    shares = power_by_rate(predicted, fs_hz)
    rate = power_by_rate(target, fs_hz).argmax(dim=1)
    classes = torch.arange(shares.shape[1], device=shares.device)
    wanted = torch.softmax(-((classes[None] - rate[:, None]) ** 2) / 2.0, dim=1)
    return F.nll_loss(shares.log(), rate), F.kl_div(shares.log(), wanted, reduction="batchmean")


def temporal_contrast(frames: Tensor) -> Tensor:
    """Return by how much each pixel differs from its mean over a clip, in units of unit variance.

    Parameters
    ----------
    frames : (B, T, C, H, W), not negative

    Returns
    -------
    the same shape, mean 0 over time; 0 where a clip does not change
    """
    mean = frames.mean(dim=1, keepdim=True)
    change = torch.where(mean > 0, frames / mean.clamp(min=1e-6) - 1, torch.zeros_like(frames))
    sd = change.flatten(1).std(dim=1).clamp(min=1e-6)
    return change / sd[:, None, None, None, None]
