"""Checkpoints: read back, and refused where they do not belong."""

import json
from pathlib import Path

import pytest

torch = pytest.importorskip("torch")

from acquire.errors import Fix, TrainingError
from dataset.runs import read_header
from models.nets.can import Student, Teacher
from models.nets.checkpoint import load_checkpoint, save_checkpoint
from tests.support.trained_runs import trained_run

pytestmark = pytest.mark.xdist_group("one trained run")


@pytest.fixture(scope="session")
def run(tmp_path_factory):
    return trained_run(tmp_path_factory.getbasetemp() / "models-data")


def test_checkpoints_belong_to_their_data(run):
    result, _ = run
    path = result.folder / "student_kd.safetensors"
    checkpoint = load_checkpoint(path, split_hash="split-1", data_hash=result.metrics["data_hash"])
    assert isinstance(checkpoint.net, Student)
    assert checkpoint.about["recipe"]["epochs"] == 2
    with pytest.raises(TrainingError, match=r"this curated data .other.*found one of another"):
        load_checkpoint(path, data_hash="other")


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


def test_the_same_training_gives_the_same_bytes(tmp_path):
    """safetensors alone draws the order of the header's keys anew for each file."""
    net = Student()
    for name in "abcdef":
        save_checkpoint(
            tmp_path / name, net, split_hash="é" * 3, data_hash="d1", about={"seed": 3}
        )
    assert len({path.read_bytes() for path in tmp_path.iterdir()}) == 1
    assert load_checkpoint(tmp_path / "a", split_hash="é" * 3).about == {"seed": 3}


def test_another_split_or_data_is_refused_with_both_named(tmp_path):
    path = tmp_path / "net.safetensors"
    save_checkpoint(path, Student(), split_hash="s1", data_hash="d1", about={})
    with pytest.raises(TrainingError, match=r"this split .s2., found one of another .s1."):
        load_checkpoint(path, split_hash="s2")
    with pytest.raises(TrainingError, match=r"this curated data .d2., found one of another .d1."):
        load_checkpoint(path, data_hash="d2")


def test_files_that_are_no_checkpoint(tmp_path):
    from safetensors.torch import save_file

    path = tmp_path / "net.safetensors"
    with pytest.raises(TrainingError, match=r"net.safetensors"):
        load_checkpoint(path)
    for body in (b"\x80\x04K\x01.", b"", b"\xff" * 20):      # a pickle, nothing, a huge header
        path.write_bytes(body)
        with pytest.raises(TrainingError, match="found a file of another kind, or a damaged one"):
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


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("stage1.0.0.weight", float("nan")), ("stage2.0.1.running_mean", float("inf")),
        ("head.1.bias", float("-inf")), ("stage1.0.1.running_var", float("nan")),
    ],
)
def test_weights_that_are_no_numbers_are_refused_by_name(tmp_path, name, value):
    net = Student()
    net.state_dict()[name].view(-1)[0] = value
    path = tmp_path / "net.safetensors"
    save_checkpoint(path, net, split_hash="s", data_hash="d", about={})
    with pytest.raises(TrainingError, match=f"of numbers, found NaN or infinity in {name}"):
        load_checkpoint(path)


@pytest.mark.parametrize(
    ("name", "change"),
    [("stage1.0.1.running_var", lambda values: values.fill_(-1.0)),
     ("head.1.weight", lambda values: values.mul_(1e20))],
    ids=["a negative variance", "huge"],
)
def test_weights_that_give_no_numbers_of_a_pulse_s_size_are_refused(tmp_path, name, change):
    net = Student()
    change(net.state_dict()[name])
    path = tmp_path / "net.safetensors"
    save_checkpoint(path, net, split_hash="s", data_hash="d", about={})
    with pytest.raises(TrainingError, match="found weights that give no numbers"):
        load_checkpoint(path)


@pytest.mark.parametrize("net", ["student", "teacher", "physnet"])
@pytest.mark.parametrize(
    "config",
    [
        '{"channels": [1000000000, 1000000000]}', '{"channels": [32, 64, 4611686018427387904]}',
        '{"channels": [-1, 64]}', '{"channels": ["a", "b"]}', '{"channels": 3}', "[]", "3", "{}",
        '{"channels": [32, 64], "hidden": 1e30}', '{"channels": [32, 64], "dropout": "x"}',
        '{"channels": [32, 64], "more": 1}', "[" * 100_000, '{"channels": [1e400, 2]}', "null",
    ],
)
def test_a_configuration_takes_no_more_memory_than_the_weights_have(tmp_path, net, config):
    from safetensors.torch import save_file

    path = tmp_path / "net.safetensors"
    header = {
        "format": "acq-checkpoint-1", "net": f'"{net}"', "config": config, "split_hash": "s",
        "data_hash": "d", "about": "{}",
    }
    save_file({"x": torch.zeros(1)}, path, metadata=header)
    with pytest.raises(TrainingError, match="weights that fit their configuration, found") as error:
        load_checkpoint(path)
    assert len(str(error.value)) < 1500


def test_what_is_no_file_is_named(tmp_path):
    (tmp_path / "folder.safetensors").mkdir()
    for name, found in (("folder", "a folder"), ("none", "nothing")):
        with pytest.raises(TrainingError, match=f"expected a checkpoint, found {found} at "):
            load_checkpoint(tmp_path / f"{name}.safetensors")


def test_a_file_larger_than_any_checkpoint_is_not_read(tmp_path):
    path = tmp_path / "net.safetensors"
    with path.open("wb") as file:
        file.truncate(10**10)
    with pytest.raises(TrainingError, match=r"found no file of at most 64,000,000 bytes"):
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
    with pytest.raises(TrainingError, match=f"whole header.*no {missing}"):
        load_checkpoint(path)


def test_a_weight_that_the_network_does_not_have_is_named(tmp_path):
    from safetensors.torch import load_file, save_file

    path = tmp_path / "net.safetensors"
    save_checkpoint(path, Student(), split_hash="s", data_hash="d", about={})
    header = json.loads(read_header(path)[0])["__metadata__"]
    save_file({**load_file(path), "stage9.weight": torch.zeros(1)}, path, metadata=header)
    with pytest.raises(TrainingError, match=r"found stage9\.weight, which it does not have in"):
        load_checkpoint(path)


def test_a_checkpoint_that_may_not_be_read_is_not_called_missing(tmp_path, monkeypatch):
    path = tmp_path / "net.safetensors"
    save_checkpoint(path, Student(), split_hash="s", data_hash="d", about={})

    def refuse(self, *_, **__):
        raise PermissionError(13, "Permission denied", str(self))

    monkeypatch.setattr(Path, "open", refuse)
    for read in (load_checkpoint, read_header):
        with pytest.raises(TrainingError, match="found Permission denied") as caught:
            read(path)
        assert caught.value.fix is Fix.GET_PERMISSION
