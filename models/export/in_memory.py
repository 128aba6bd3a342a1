"""A checkpoint opened as its export would be: converted to ONNX, run by ONNX Runtime.

So it reads a pulse by the same code as an exported network, with the same constants.
"""

import tempfile
from pathlib import Path

from models.board.onnx_net import OnnxNet, open_net
from models.nets.can import Teacher
from models.nets.checkpoint import load_checkpoint

from .export import convert_net


def open_checkpoint(path: Path) -> OnnxNet:
    """Open the checkpoint of a student or a teacher to predict with.

    Raises
    ------
    TrainingError : not a checkpoint, or neither a student's nor a teacher's
    """
    checkpoint = load_checkpoint(path)
    net = "teacher" if isinstance(checkpoint.net, Teacher) else "student"
    with tempfile.TemporaryDirectory(prefix="acq-net-") as folder:
        exported = Path(folder) / f"{net}.onnx"
        exported.write_bytes(convert_net(net, path, checkpoint).SerializeToString())
        return open_net(exported)
