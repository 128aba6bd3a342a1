"""Inverse attention: the noise is what lies under the least of the mask, and a line is none."""

import pytest

torch = pytest.importorskip("torch")

from models.published_nets.attention.nowara import background, without_line
from models.published_nets.registry import OWN
from models.published_nets.spec import example_batch
from tests.support.tiny_nets import tiny_net


def test_the_background_is_where_the_mask_is_least():
    mask = torch.ones(1, 5, 8, 8)
    mask[:, :, :, :3] = 0.02                        # the left of the face is left out
    frames = torch.full((1, 5, 3, 10, 10), 0.7)
    frames[0, :, :, :, :4] = torch.tensor([0.1, 0.2, 0.3])[:, None, None] + torch.arange(
        5
    )[:, None, None, None] / 100
    noise = background(frames, mask)
    expected = torch.tensor([0.1, 0.2, 0.3]) + torch.arange(5)[:, None] / 100
    torch.testing.assert_close(noise, expected[None])


def test_a_straight_line_is_no_signal():
    at = torch.linspace(0, 3, 40)
    signals = torch.stack([5 + 2 * at, torch.sin(6 * at) + at, 0 * at], dim=1)[None]
    line, wave, nothing = without_line(signals)[0].T
    assert line.abs().max() <= 1                    # of rounding alone, brought to 1
    assert not nothing.any()
    assert wave.abs().max().item() == pytest.approx(1)
    inner = torch.sin(6 * at) - torch.sin(6 * at).mean()
    assert torch.corrcoef(torch.stack([wave, inner]))[0, 1] > 0.97


def test_the_lstm_does_not_teach_the_network_before_it():
    net = tiny_net("nowara")
    batch = example_batch(net.reads, clips=2)
    _, pulse = net.both(*batch.inputs)
    pulse.sum().backward()
    assert all(weight.grad is None for weight in net.first.parameters())
    _, parts = OWN["nowara"].training(net)(batch)
    assert set(parts) == {"label", "first"}
