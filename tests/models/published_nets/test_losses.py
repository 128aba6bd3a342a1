"""Losses of tones whose rate is known."""

import pytest

torch = pytest.importorskip("torch")

from models.published_nets.losses import (
    LEAST_BPM,
    negative_pearson,
    power_by_rate,
    rate_losses,
    temporal_contrast,
)


def tone(bpm, fs_hz=30.0, length=300, phase=0.0):
    return torch.sin(2 * torch.pi * bpm / 60 * torch.arange(length) / fs_hz + phase)


@pytest.mark.parametrize(("bpm", "fs_hz"), [(48, 30.0), (75, 25.0), (141, 29.5)])
def test_the_power_of_a_tone_is_at_its_rate(bpm, fs_hz):
    shares = power_by_rate(tone(bpm, fs_hz)[None], torch.tensor([fs_hz]))
    assert shares.sum().item() == pytest.approx(1)
    assert shares.argmax().item() + LEAST_BPM == bpm


def test_a_spectrum_at_the_right_rate_costs_less_than_one_beside():
    rate, fs_hz = torch.tensor([30.0]), tone(80)[None]
    losses = [
        torch.stack(rate_losses(tone(bpm, phase=1.0)[None], fs_hz, rate)) for bpm in (80, 84, 110)
    ]
    assert (losses[0] < losses[1]).all()
    assert (losses[1] < losses[2]).all()


def test_negative_pearson():
    predicted = torch.tensor([[1.0, 2.0, 3.0, 5.0], [1.0, 2.0, 3.0, 5.0]])
    torch.testing.assert_close(negative_pearson(predicted, 7 - 3 * predicted), torch.tensor(2.0))
    torch.testing.assert_close(negative_pearson(predicted, 3 * predicted + 1), torch.tensor(0.0))


def test_temporal_contrast_forgets_the_picture_and_its_brightness():
    generator = torch.Generator().manual_seed(0)
    picture = torch.rand(1, 1, 3, 4, 4, generator=generator) + 0.2
    clip = picture * (1 + 0.01 * tone(60, length=32)[None, :, None, None, None])
    seen = temporal_contrast(clip)
    torch.testing.assert_close(seen, temporal_contrast(0.5 * clip), atol=1e-3, rtol=1e-3)
    torch.testing.assert_close(seen[0, :, 0, 0, 0], seen[0, :, 2, 3, 1], atol=1e-3, rtol=1e-3)
    assert seen.std().item() == pytest.approx(1, abs=0.02)
    assert not temporal_contrast(torch.zeros(1, 4, 3, 2, 2)).any()
