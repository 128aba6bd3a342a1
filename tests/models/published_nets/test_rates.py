"""Networks that predict a rate: their classes, maps, and the synthetic rhythms they learn from."""

import pytest

torch = pytest.importorskip("torch")

from models.published_nets.losses import LEAST_BPM, power_by_rate
from models.published_nets.rates.bousefsaf import RATE_HZ, synthetic_patches
from models.published_nets.rates.synrhythm import synthetic_blocks, to_map
from tests.support.tiny_nets import tiny_net

BPM = torch.tensor([50.0, 80.0, 140.0])


def peaks_bpm(traces):
    return power_by_rate(traces, torch.full((len(traces),), RATE_HZ)).argmax(dim=1) + LEAST_BPM


def test_a_map_has_a_row_for_each_block_and_one_range_in_each():
    blocks = torch.rand(2, 40, 3, 5, 5)
    seen = to_map(blocks)
    assert seen.shape == (2, 3, 25, 40)
    torch.testing.assert_close(seen.amin(dim=3), torch.zeros(2, 3, 25))
    torch.testing.assert_close(seen.amax(dim=3), torch.ones(2, 3, 25))
    # grey has no U and no V, and luma is grey itself
    grey = torch.linspace(0, 1, 40)[None, :, None, None, None].expand(1, 40, 3, 1, 1)
    torch.testing.assert_close(to_map(grey)[0, 0, 0], torch.linspace(0, 1, 40))


def test_synthetic_blocks_have_their_rate_in_the_difference_of_colours():
    torch.manual_seed(0)
    blocks = synthetic_blocks(torch.Size((3, 600, 3, 5, 5)), BPM / (60 * RATE_HZ))
    assert blocks.min() >= 0
    assert blocks.max() <= 1
    red, green = (blocks[:, :, colour].log().mean(dim=(2, 3)) for colour in (0, 1))
    assert (peaks_bpm(red - green) - BPM).abs().max() <= 1      # the light is common to both


def test_synthetic_patches_have_their_rate_or_none():
    torch.manual_seed(0)
    rates = torch.cat([BPM / (60 * RATE_HZ), torch.zeros(1)])
    patches = synthetic_patches(rates, 300, 9)
    trace = patches.mean(dim=(2, 3)).diff(dim=1)                # without the trend
    assert (peaks_bpm(trace[:3]) - BPM).abs().max() <= 2
    assert trace[3].std() < 0.2 * trace[:3].std()


def test_classes_are_whole_steps_of_the_rate_and_patches_lie_side_by_side():
    net = tiny_net("bousefsaf")
    classes = torch.arange(net.config.classes)
    assert torch.equal(net.classes_of(net.rates(classes)), classes)
    assert net.classes_of(torch.tensor([0.0, 1.0])).tolist() == [0, net.config.classes - 1]
    frames = torch.rand(2, 16, 3, 18, 18)
    patches = net.patches(frames)
    assert patches.shape == (2, 4, 16, 9, 9)
    assert torch.equal(patches[1, 2], frames[1, :, 1, 9:, :9])
