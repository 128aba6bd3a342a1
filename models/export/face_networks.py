"""MTCNN's three networks as ONNX files, rebuilt from facenet-pytorch's weights.

The files in `dataset/face/weights`, which ship with acq, were made here. A test rebuilds them and
compares; an export only copies them, so neither training nor export needs facenet-pytorch.
"""

from importlib.metadata import version
from pathlib import Path

import numpy as np
import onnx
import torch
from torch import nn

from dataset.face import box
from dataset.face.onnx_file import FORMAT, open_network

from .facenet_mtcnn import NAME, load_mtcnn
from .graphs import detector_graph
from .verify import largest_difference

# sides of the images on which each network is compared with torch
SIDES = {"pnet": (50, 77), "rnet": (24, 24), "onet": (48, 48)}


def rebuild_face_networks() -> dict[str, tuple[onnx.ModelProto, nn.Module]]:
    """Build MTCNN's networks as ONNX, with the constants of the cascade in each.

    Returns
    -------
    name -> the graph, and the network in torch
    """
    mtcnn = load_mtcnn()
    thresholds = {
        f"threshold_{letter}": value
        for letter, value in zip("pro", mtcnn.thresholds, strict=True)
    }
    constants = {
        "format": FORMAT, "checkpoint": f"facenet-pytorch {version('facenet-pytorch')}",
        "smallest_px": mtcnn.min_face_size, "factor": mtcnn.factor, **thresholds, "detector": NAME,
        "min_probability": box.MIN_PROBABILITY,
    }
    nets = {name: getattr(mtcnn, name) for name in SIDES}
    return {
        name: (detector_graph(net, name, constants={**constants, "net": name}), net)
        for name, net in nets.items()
    }


def write_face_networks(folder: Path) -> dict[str, float]:
    """Rebuild the three files in a folder.

    Returns
    -------
    name -> the largest difference from torch

    Raises
    ------
    TrainingError : ONNX Runtime does not compute what torch computes
    """
    differences = {}
    for name, (model, net) in rebuild_face_networks().items():
        path = folder / f"{name}.onnx"
        path.write_bytes(model.SerializeToString())
        differences[name] = verify_face_network(path, name, net=net)
    return differences


def verify_face_network(path: Path, name: str, *, net: nn.Module) -> float:
    """Compare a file with torch on three images, and return the largest difference.

    Raises
    ------
    TrainingError : it is more than the tolerance, or the file cannot be opened
    """
    images = np.random.default_rng(0).uniform(-1, 1, (3, 3, *SIDES[name])).astype(np.float32)
    network, _ = open_network(path, name)
    boxes, probability = map(np.asarray, network.run(["box", "face"], {"image": images}))
    with torch.no_grad():
        expected = net(torch.from_numpy(images))
    return largest_difference(
        path, (boxes, expected[0].numpy()), (probability, expected[-1][:, 1].numpy())
    )
