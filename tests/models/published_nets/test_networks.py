"""Each network of another paper: its weights counted by hand, its shapes, a gradient everywhere."""

from decimal import Decimal

import pytest

torch = pytest.importorskip("torch")

from models.nets.can import build_net, count_parameters, describe_net
from models.published_nets.registry import OWN
from models.published_nets.spec import example_batch, example_inputs
from models.published_nets.titles import OWN_TITLES
from tests.support.tiny_nets import TINY, tiny_net

# two branches of four convolutions each, and two masks
BRANCH = (3 * 9 + 1) * 32 + (32 * 9 + 1) * 32 + (32 * 9 + 1) * 64 + (64 * 9 + 1) * 64
MASKS = 33 + 65
COUNTS = {
    "deepphys": 2 * BRANCH + MASKS + (7 * 7 * 64 + 1) * 128 + 129,
    "tscan": 2 * BRANCH + MASKS + (7 * 7 * 64 + 1) * 128 + 129,
    # frames of 72, and batch normalisation of three channels
    "efficientphys": BRANCH + MASKS + (16 * 16 * 64 + 1) * 128 + 129 + 6,
    # DeepPhys, the two layers of an LSTM that reads 4 signals, and a linear layer
    "nowara": 2 * BRANCH + MASKS + (7 * 7 * 64 + 1) * 128 + 129
    + 4 * 128 * (4 + 128 + 2) + 4 * 128 * (128 + 128 + 2) + 129,
    "physnet": 768_577,         # as in tests/models/nets/test_can.py
    "rppgnet": 550_331,
    "physformer": 7_380_865,
    "metarppg": 379_808,
    "pulsegan": 366_130,
    # ResNet-18 is published with 11,689,512, of which its 1000 classes are 513,000
    "synrhythm": 11_689_512 - 513_000 + 513,
    "bousefsaf": (58 * 20 * 20 + 1) * 32 + (1 * 3 * 3 * 32 + 1) * 512 + 513 * 76,
}


def test_every_network_has_a_title_a_reference_and_a_count():
    assert {name: spec.title for name, spec in OWN.items()} == OWN_TITLES
    assert set(COUNTS) == set(OWN) == set(TINY)
    assert all(spec.reference and spec.loss for spec in OWN.values())


@pytest.mark.parametrize("name", OWN)
def test_weights(name):
    with torch.device("meta"):
        net = OWN[name].net(OWN[name].config())
    assert count_parameters(net) == COUNTS[name]


def may_stand_for(printed, count, *, million=10**6):
    """Return whether a printed number, such as 532K, is this count rounded or cut."""
    unit = {"K": million // 1000, "M": million}[printed[-1]]
    number = Decimal(printed[:-1]).normalize()
    last_digit = Decimal(10) ** number.as_tuple().exponent      # of 770 the 0 may be rounding
    return abs(Decimal(count) / unit - number) < last_digit


PUBLISHED = {
    name: spec.published_parameters.printed
    for name, spec in OWN.items() if spec.published_parameters
}


def test_weights_are_as_many_as_published():
    assert {*PUBLISHED} == {"deepphys", "tscan", "efficientphys", "physnet", "physformer"}
    unlike = [name for name in PUBLISHED if not may_stand_for(PUBLISHED[name], COUNTS[name])]
    assert unlike == ["physformer"]
    assert may_stand_for(PUBLISHED["physformer"], COUNTS["physformer"], million=2**20)


@pytest.mark.parametrize(
    ("printed", "count", "may"),
    [("532K", 532_899, True), ("532K", 533_000, False), ("2.16M", 2_155_000, True),
     ("2.16M", 2_170_000, False), ("770K", 768_577, True), ("770K", 759_000, False)],
)
def test_what_a_printed_count_may_stand_for(printed, count, may):
    assert may_stand_for(printed, count) == may


def test_the_weights_of_a_physformer_by_hand():
    width, inner = 96, 144
    attention = 2 * (width * width * 27 + 2 * width) + width * width + width * width + width
    forward = 2 * width * inner + 27 * inner + 4 * inner + 2 * width
    block = attention + forward + 4 * width
    stem = (
        (3 * 25 + 1) * 24 + 48 + (24 * 27 + 1) * 48 + 96 + (48 * 27 + 1) * 96 + 192
        + (96 * 64 + 1) * 96
    )
    head = (96 * 3 + 1) * 96 + 192 + (96 * 3 + 1) * 48 + 96 + 49
    assert stem + 12 * block + head == COUNTS["physformer"]


def test_the_weights_of_a_metarppg_by_hand():
    # a convolution's own offset, and the scale and offset of the normalisation behind it
    encoder = sum(
        (9 * a + 3) * b for a, b in ((3, 32), (32, 48), (48, 64), (64, 80), (80, 120))
    )
    lstm = 2 * 2 * 4 * 60 * (120 + 60 + 2)          # two layers, two directions
    head = (2 * 60 + 1) * 2 * 40                    # of 40 levels
    gradient = (
        (3 * 60 + 3) * 40 + (3 * 40 + 3) * 20 + (3 * 20 + 3) * 40 + (3 * 40 + 1) * 60
    )
    assert encoder + lstm + head + gradient == COUNTS["metarppg"]


def test_the_weights_of_a_pulsegan_by_hand():
    down = ((1, 16), (16, 32), (32, 64), (64, 128))
    # behind the first, half of what enters is the encoder's
    up = ((128, 64), (2 * 64, 32), (2 * 32, 16), (2 * 16, 8))
    layers = sum((15 * a + 3) * b for a, b in (*down, *up))
    assert layers + (8 + 1 + 1) == COUNTS["pulsegan"]      # of the last, one channel is CHROM's


def test_the_weights_of_an_rppgnet_by_hand():
    def conv(inputs, outputs):
        between = 27 * inputs * outputs // (9 * inputs + 3 * outputs)
        return (9 * inputs + 3) * between + (3 * between + 3) * outputs

    skin = (32 * 9 + 3) * 16 + (16 * 9 + 3) * 8 + (32 + 3) * 8 + 8 * 9 + 1
    backbone = (3 * 25 + 3) * 16 + conv(16, 32) + conv(32, 32) + conv(32, 64) + 4 * conv(64, 64)
    assert backbone + skin + 6 * 65 == COUNTS["rppgnet"]


@pytest.mark.parametrize("name", OWN)
def test_a_value_for_each_frame_and_a_gradient_in_each_weight(name):
    net = tiny_net(name)
    batch = example_batch(net.reads, clips=2)
    assert net(*batch.inputs).shape == net.reads.target_shape(2) == batch.target.shape
    training = OWN[name].training(net)
    loss, parts = training(batch)
    loss.backward()
    assert "label" in parts
    assert not any(part.requires_grad for part in parts.values())
    still = {key for key, w in training.named_parameters() if w.grad is None or not w.grad.any()}
    # to a correlation, an offset of the pulse does not count
    of_correlation = name in ("physnet", "rppgnet", "physformer")
    assert all(key.startswith("net.head") and key.endswith("bias") for key in still)
    assert of_correlation or not still


@pytest.mark.parametrize("name", OWN)
def test_a_network_is_built_again_from_its_description(name):
    net = tiny_net(name).eval()
    again = build_net(describe_net(net)).eval()
    again.load_state_dict(net.state_dict())
    inputs = example_inputs(net.reads)
    assert torch.equal(net(*inputs), again(*inputs))


@pytest.mark.parametrize(
    "name", ["deepphys", "tscan", "efficientphys", "nowara", "rppgnet", "metarppg", "bousefsaf"]
)
def test_clips_do_not_see_each_other(name):
    net = tiny_net(name).eval()
    one, two = (example_inputs(net.reads, seed=seed) for seed in (0, 1))
    both = [torch.cat(part) for part in zip(one, two, strict=True)]
    torch.testing.assert_close(net(*both)[:1], net(*one), atol=1e-5, rtol=1e-4)


def test_deepphys_reads_each_pair_by_itself_and_tscan_its_neighbours():
    for name, reached in (("deepphys", [3]), ("tscan", [0, 1, 2, 3, 4, 5])):
        net = tiny_net(name).eval()
        motion, appearance = example_inputs(net.reads)
        changed = motion.clone()
        changed[:, 3] += 1
        moved = (net(motion, appearance) - net(changed, appearance))[0].abs() > 1e-7
        assert moved.nonzero().flatten().tolist() == reached       # four shifts reach four pairs


def test_temporal_difference_of_a_still_clip_leaves_the_middle_frame_alone():
    from torch.nn import functional as F

    from models.published_nets.clips.physformer import TemporalDifferenceConv

    conv = TemporalDifferenceConv(2, theta=1.0)
    x = torch.full((1, 2, 5, 5, 5), 0.7)         # the same in all frames and places
    weight = conv.conv.weight.clone()
    weight[:, :, (0, 2)] = 0                     # with theta 1 the neighbours cancel
    torch.testing.assert_close(conv(x)[..., 1:-1, 1:-1, 1:-1],
                               F.conv3d(x, weight, padding=1)[..., 1:-1, 1:-1, 1:-1])


def test_the_discriminator_is_not_taught_by_the_generator():
    training = OWN["pulsegan"].training(tiny_net("pulsegan"))
    batch = example_batch(training.net.reads, clips=2)
    _, parts = training(batch)
    (chrom,) = batch.inputs
    with torch.no_grad():
        predicted = training.net(chrom)
    own = (
        ((training.discriminator(chrom, batch.target) - 1) ** 2).mean()
        + (training.discriminator(chrom, predicted) ** 2).mean()
    ) / 2
    expected = torch.autograd.grad(own, list(training.discriminator.parameters()))
    loss, parts = training(batch)
    loss.backward()
    for weight, gradient in zip(training.discriminator.parameters(), expected, strict=True):
        torch.testing.assert_close(weight.grad, gradient, atol=1e-5, rtol=1e-3)
    assert parts["adversarial"] > 0
