"""A student or a teacher that was exported, ready to predict without torch."""

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from dataset.face.box import SIZE
from dataset.face.mtcnn import Mtcnn
from dataset.face.onnx_file import INPUTS, open_network, run_checked

if TYPE_CHECKING:
    from onnxruntime import InferenceSession

    from dataset.face.frames import Motion

BOARD = "board"                                  # the folder of an export, in that of a run
SHIPPED = Path(__file__).parent / "weights"      # the student that comes with acq


class OnnxNet:
    """A student or a teacher, ready to predict."""

    def __init__(self, network: "InferenceSession", constants: dict) -> None:
        self.constants = constants
        self._network = network
        self.motion: Motion = constants.get("motion", "normalised")     # older exports name none
        self.needs_appearance = "appearance" in INPUTS[constants["net"]]

    def predict(self, motion: np.ndarray, appearance: np.ndarray | None = None) -> np.ndarray:
        """Predict the pulse's change over N pairs of frames.

        Parameters
        ----------
        motion : (N, 3, 36, 36) float32 changes of the kind `self.motion`
        appearance : (M, 3, 36, 36) float32 in [0, 1], N a multiple of M; a student ignores it

        Returns
        -------
        (N,) float32

        Raises
        ------
        ValueError : other shapes, or a teacher without appearance
        TrainingError : the network fails, or gives something else than numbers for N pairs
        """
        if motion.ndim != 4 or motion.shape[1:] != (3, SIZE, SIZE):
            raise ValueError(f"expected motion (N, 3, {SIZE}, {SIZE}), got {motion.shape}")
        inputs = {"motion": np.ascontiguousarray(motion, np.float32)}
        if self.needs_appearance:
            if (
                appearance is None or appearance.ndim != 4
                or appearance.shape[1:] != motion.shape[1:] or not len(appearance)
                or len(motion) % len(appearance)
            ):
                shape = None if appearance is None else appearance.shape
                raise ValueError(
                    f"expected appearance (M, 3, {SIZE}, {SIZE}), {len(motion)} a multiple of M, "
                    f"got {shape}"
                )
            inputs["appearance"] = np.ascontiguousarray(appearance, np.float32)
        return run_checked(
            self._network, inputs, {"pulse": (len(motion),)}, name=self.constants["checkpoint"]
        )[0]


def to_appearance(averaged: np.ndarray, *, full_scale: float = 255) -> np.ndarray:
    """Turn an averaged frame, (36, 36, 3) uint16, into (1, 3, 36, 36) float32 in [0, 1]."""
    return (averaged >> 8).transpose(2, 0, 1)[None] / np.float32(full_scale)


def open_net(path: Path, *, threads: int = 1) -> OnnxNet:
    """Open an exported student (float32 or int8) or teacher.

    Raises
    ------
    TrainingError : see `onnx_file.open_network`
    """
    return OnnxNet(*open_network(path, "student", "teacher", threads=threads))


def open_finder(folder: Path) -> Mtcnn:
    """Open an export's face finder, or the one that comes with acq where it has none.

    Raises
    ------
    TrainingError : see `onnx_file.open_network`
    """
    return Mtcnn(folder) if (folder / "pnet.onnx").exists() else Mtcnn()
