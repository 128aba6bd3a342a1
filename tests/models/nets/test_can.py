"""Parameter counts, shapes and masks of the networks."""

import pytest

torch = pytest.importorskip("torch")

from models.nets.can import (
    Student,
    StudentConfig,
    Teacher,
    build_net,
    count_parameters,
    describe_net,
)
from models.published_nets.clips.physnet import PhysNet, PhysNetConfig


@pytest.mark.parametrize(("make", "published"), [(Teacher, 795_811), (Student, 24_769)])
def test_parameters_are_the_published_ones(make, published):
    assert count_parameters(make()) == published


def test_physnet_reads_clips():
    net = PhysNet().eval()
    # Nine 3D convolutions and two transposed ones with their batch normalisations, and the last
    # 1x1x1, by hand:
    convolutions = (
        3 * 16 * 25 + 16 * 32 * 27 + 32 * 64 * 27 + 6 * 64 * 64 * 27 + 2 * 64 * 64 * 4 + 64
    )
    biases, norms = 16 + 32 + 64 + 6 * 64 + 2 * 64 + 1, 2 * (16 + 32 + 64 + 6 * 64 + 2 * 64)
    assert count_parameters(net) == convolutions + biases + norms == 768_577
    assert net.reads.size == net.reads.clip == 128
    assert net(torch.rand(2, 16, 3, 36, 36)).shape == (2, 16)


def test_a_physnet_of_an_earlier_version_reads_motion():
    net = build_net({"net": "physnet", "config": {"channels": [4, 6, 8], "clip": 64}})
    assert net.config == PhysNetConfig((4, 6, 8), clip=64, size=36, input="motion")
    assert (net.reads.kind, net.reads.predicts, net.reads.size) == ("pairs", "change", 36)
    motion = torch.randn(1, 64, 3, 36, 36)
    assert net(motion, motion).shape == (1, 64)


@pytest.mark.parametrize("make", [Teacher, Student])
def test_shapes(make):
    out = make().eval()(torch.zeros(6, 3, 36, 36), torch.zeros(6, 3, 36, 36))
    assert out.pulse.shape == (6,)
    assert out.middle.shape == (6, 32, 18, 18)
    assert out.last.shape == (6, 64, 9, 9)


def test_attention_masks_have_mean_one_half():
    first, second = Teacher().eval().masks(torch.rand(2, 3, 36, 36))
    assert first.shape == (2, 1, 36, 36)
    assert second.shape == (2, 1, 18, 18)
    for mask in (first, second):
        torch.testing.assert_close(mask.mean(dim=(1, 2, 3)), torch.full((2,), 0.5))


@pytest.mark.parametrize(("level", "side"), [("middle", 18), ("last", 9)])
def test_each_mask_hides_what_it_is_zero_for(level, side):
    net = Teacher().eval()

    def masks(appearance):
        left = [torch.ones(len(appearance), 1, size, size) for size in (36, 18)]
        chosen = left[0 if level == "middle" else 1]
        chosen[..., chosen.shape[-1] // 2:] = 0
        return left[0], left[1]

    net.masks = masks
    out = getattr(net(torch.randn(2, 3, 36, 36), torch.rand(2, 3, 36, 36)), level)
    assert (out[..., (side + 1) // 2:] == 0).all()
    assert (out[..., :side // 2] != 0).any()


def test_the_teachers_answer_depends_on_where_the_skin_is():
    torch.manual_seed(0)
    net, motion = Teacher().eval(), torch.randn(1, 3, 36, 36)
    first, second = (net(motion, torch.rand(1, 3, 36, 36)).middle for _ in range(2))
    assert not torch.allclose(first, second)


def test_sharing_masks_is_repeating_the_frame():
    net = Teacher().eval()
    motion, appearance = torch.randn(6, 3, 36, 36), torch.rand(2, 3, 36, 36)
    shared = net(motion, appearance).pulse
    torch.testing.assert_close(shared, net(motion, appearance.repeat_interleave(3, dim=0)).pulse)


def test_a_student_uses_motion_only():
    net, motion = Student().eval(), torch.randn(2, 3, 36, 36)
    assert torch.equal(net(motion).pulse, net(motion, torch.rand(2, 3, 36, 36)).pulse)


def test_description_builds_the_same_net():
    net = Student(StudentConfig(channels=(8, 16), dropout=0.1))
    again = build_net(describe_net(net))
    assert again.config == net.config
    assert [p.shape for p in again.parameters()] == [p.shape for p in net.parameters()]
