"""A network that is opened to read a pulse is one that does."""

import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("onnxruntime")

from acq.open_net import open_pulse
from models.nets.can import Student
from models.nets.checkpoint import save_checkpoint


@pytest.mark.parametrize("weights", ["none", "fresh"])
def test_a_network_that_gives_the_same_for_every_picture_is_told_of(tmp_path, capsys, weights):
    torch.manual_seed(0)
    net = Student()
    if weights == "none":
        for values in net.parameters():
            torch.nn.init.zeros_(values)
    path = tmp_path / "net.safetensors"
    save_checkpoint(path, net, split_hash="s", data_hash="d", about={})
    open_pulse(path, tmp_path)
    told = capsys.readouterr().err
    said = f"found one that gives the same for every picture in {path}"
    assert (said in " ".join(told.split())) == (weights == "none"), told
