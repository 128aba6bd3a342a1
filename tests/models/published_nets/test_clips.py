"""What is particular to a network: skin is found by its colour, an encoder adapts to a clip."""

import pytest

torch = pytest.importorskip("torch")

from models.published_nets.clips.rppgnet import attended, skin_of
from models.published_nets.losses import temporal_contrast
from models.published_nets.spec import example_inputs
from tests.support.tiny_nets import tiny_net

SKIN = [(170, 120, 95), (95, 60, 45), (230, 190, 170)]
NOT_SKIN = [(60, 60, 60), (200, 200, 200), (40, 90, 160), (60, 140, 60)]


def test_skin_is_found_by_its_colour():
    colours = torch.tensor([*SKIN, *NOT_SKIN]) / 255
    frames = colours.T[None, None, :, None]                     # (1, 1, 3, 1, 7)
    found = skin_of(frames)[0, 0, 0].tolist()
    assert found == [1] * len(SKIN) + [0] * len(NOT_SKIN)


def test_attention_is_stronger_on_skin_and_of_mean_1():
    maps, skin = torch.ones(1, 2, 3, 4, 4), torch.zeros(1, 3, 4, 4)
    skin[..., :2] = 1
    seen = attended(maps, skin)
    torch.testing.assert_close(seen.mean(dim=(3, 4)), torch.ones(1, 2, 3))
    assert (seen[..., :2] > 2 * seen[..., 2:]).all()


def test_an_encoder_adapts_to_a_clip_and_is_as_before_afterwards():
    net = tiny_net("metarppg").eval()
    net.prototype += 0.5
    (frames,) = example_inputs(net.reads)
    before = {name: weight.clone() for name, weight in net.state_dict().items()}
    with torch.inference_mode():                # as times are measured
        first, second = net(frames), net(frames)
    assert torch.equal(first, second)
    assert all(torch.equal(weight, before[name]) for name, weight in net.state_dict().items())
    with torch.no_grad():
        assert not torch.equal(first, net.to_levels(net.encoder(temporal_contrast(frames))))


def test_a_step_of_adaptation_goes_towards_the_prototype():
    net = tiny_net("metarppg").eval()
    net.prototype += 0.5
    seen = temporal_contrast(example_inputs(net.reads)[0])
    weights = dict(net.encoder.named_parameters())

    def distance(of):
        features = torch.func.functional_call(net.encoder, of, (seen,))
        return (features - net.prototype).square().mean().item()

    assert distance(net.step(seen, weights, towards_prototype=True)) < distance(weights)
