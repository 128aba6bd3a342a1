"""The shipped face networks are those of facenet-pytorch: rebuilt and compared."""

import pytest

pytest.importorskip("torch")
onnx = pytest.importorskip("onnx")
pytest.importorskip("onnxruntime")

from importlib.util import find_spec

from acquire.errors import TrainingError
from dataset.face.mtcnn import NETS
from models.export.face_networks import SIDES, verify_face_network, write_face_networks


@pytest.fixture(scope="module")
def rebuilt(tmp_path_factory):
    """The files made anew, and the largest difference of each from torch."""
    if find_spec("facenet_pytorch") is None:
        pytest.skip("needs facenet-pytorch, of the extra `train`")
    folder = tmp_path_factory.mktemp("weights")
    return folder, write_face_networks(folder)


@pytest.mark.parametrize("name", sorted(SIDES))
def test_the_shipped_files_are_what_is_rebuilt_from_facenet_pytorch(rebuilt, name):
    folder, differences = rebuilt
    assert onnx.load(NETS / f"{name}.onnx") == onnx.load(folder / f"{name}.onnx")
    assert differences[name] < 1e-5


def test_another_network_s_weights_are_refused(rebuilt):
    from models.export.facenet_mtcnn import load_mtcnn

    net = load_mtcnn().rnet
    spoilt = type(net)(pretrained=False).eval()
    with pytest.raises(TrainingError, match=r"torch computes.*in rnet\.onnx"):
        verify_face_network(rebuilt[0] / "rnet.onnx", "rnet", net=spoilt)
