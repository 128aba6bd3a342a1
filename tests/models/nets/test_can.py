import pytest

torch = pytest.importorskip("torch")

from acquire.errors import TrainingError
from models.nets.can import Student, StudentConfig, Teacher, build, count_parameters, describe
from models.nets.checkpoint import load_checkpoint, save_checkpoint
from models.nets.physnet import PhysNet, negative_pearson


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
    assert net(torch.randn(2, 3, 16, 36, 36)).shape == (2, 16)


def test_negative_pearson():
    said = torch.tensor([[1.0, 2.0, 3.0, 5.0], [1.0, 2.0, 3.0, 5.0]])
    torch.testing.assert_close(negative_pearson(said, 7 - 3 * said), torch.tensor(2.0))
    torch.testing.assert_close(negative_pearson(said, 3 * said + 1), torch.tensor(0.0))


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


def test_sharing_masks_is_repeating_the_frame():
    net = Teacher().eval()
    motion, appearance = torch.randn(6, 3, 36, 36), torch.rand(2, 3, 36, 36)
    shared = net(motion, appearance).pulse
    torch.testing.assert_close(shared, net(motion, appearance.repeat_interleave(3, dim=0)).pulse)


def test_student_looks_at_motion_only():
    net, motion = Student().eval(), torch.randn(2, 3, 36, 36)
    assert torch.equal(net(motion).pulse, net(motion, torch.rand(2, 3, 36, 36)).pulse)


def test_description_builds_the_same_net():
    net = Student(StudentConfig(channels=(8, 16), dropout=0.1))
    again = build(describe(net))
    assert again.config == net.config
    assert [p.shape for p in again.parameters()] == [p.shape for p in net.parameters()]


@pytest.mark.parametrize("make", [Teacher, Student])
def test_checkpoint_round_trip(tmp_path, make):
    net = make()
    # so that the running statistics are not the initial ones
    net(torch.randn(4, 3, 36, 36), torch.rand(4, 3, 36, 36))
    path = tmp_path / "net.safetensors"
    save_checkpoint(path, net, split_hash="s1", data_hash="d1", about={"seed": 3})
    back = load_checkpoint(path, split_hash="s1", data_hash="d1")
    assert back.about == {"seed": 3}
    for name, tensor in net.state_dict().items():
        assert torch.equal(tensor, back.net.state_dict()[name])
    assert not back.net.training
    assert [p.name for p in tmp_path.iterdir()] == ["net.safetensors"]


def test_another_split_or_data_is_refused_with_both_named(tmp_path):
    path = tmp_path / "net.safetensors"
    save_checkpoint(path, Student(), split_hash="s1", data_hash="d1", about={})
    with pytest.raises(TrainingError, match=r"split_hash s2.*got s1"):
        load_checkpoint(path, split_hash="s2")
    with pytest.raises(TrainingError, match=r"data_hash d2.*got d1"):
        load_checkpoint(path, data_hash="d2")


def test_files_that_are_no_checkpoint(tmp_path):
    from safetensors.torch import save_file

    path = tmp_path / "net.safetensors"
    with pytest.raises(TrainingError, match=r"net.safetensors"):
        load_checkpoint(path)
    path.write_bytes(b"\x80\x04K\x01.")      # a pickle
    with pytest.raises(TrainingError, match=r"net.safetensors"):
        load_checkpoint(path)
    save_file({"x": torch.zeros(1)}, path)
    with pytest.raises(TrainingError, match="without a format"):
        load_checkpoint(path)


def test_weights_that_do_not_fit_their_configuration(tmp_path):
    from safetensors.torch import load_file, save_file

    path = tmp_path / "net.safetensors"
    save_checkpoint(path, Student(), split_hash="s", data_hash="d", about={})
    header = {
        "format": "acq-checkpoint-1", "net": '"student"', "config": '{"channels": [8, 16]}',
        "split_hash": "s", "data_hash": "d", "about": "{}",
    }
    save_file(load_file(path), path, metadata=header)
    with pytest.raises(TrainingError, match="fit their configuration"):
        load_checkpoint(path)


@pytest.mark.parametrize("about", [{"subjects": {"train": 144}}, {"subjects": 3}, []])
def test_a_header_whose_subjects_are_no_names(tmp_path, about):
    path = tmp_path / "net.safetensors"
    save_checkpoint(path, Student(), split_hash="s", data_hash="d", about=about)
    with pytest.raises(TrainingError, match="expected a whole header"):
        load_checkpoint(path)


@pytest.mark.parametrize("missing", ["net", "config", "split_hash", "data_hash", "about"])
def test_a_header_that_lacks_something(tmp_path, missing):
    from safetensors import safe_open
    from safetensors.torch import load_file, save_file

    path = tmp_path / "net.safetensors"
    save_checkpoint(path, Student(), split_hash="s", data_hash="d", about={})
    with safe_open(path, framework="pt") as file:
        header = file.metadata()
    del header[missing]
    save_file(load_file(path), path, metadata=header)
    with pytest.raises(TrainingError, match=f"whole header.*{missing}"):
        load_checkpoint(path)
