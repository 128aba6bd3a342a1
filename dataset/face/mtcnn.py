"""MTCNN: faces found by a cascade of three networks, with numpy, OpenCV and ONNX Runtime.

The cascade is that of Zhang et al. ("Joint Face Detection and Alignment Using Multitask Cascaded
Convolutional Networks", IEEE SPL 23(10), 2016) as facenet-pytorch runs it, and gives its boxes:
P-Net over a pyramid of the image proposes boxes, R-Net and O-Net check each of them; between them
boxes are corrected, and of boxes that overlap the best one is kept. The numbers of the cascade
stand in the file of P-Net.

Everywhere an image is made smaller, facenet-pytorch averages over the pixels that a target pixel
touches, each counted whole. Those are sums over rectangles, so one integral image serves every
level of the pyramid and every box.
"""

import math
from pathlib import Path
from typing import TYPE_CHECKING

import cv2
import numpy as np

from .box import FaceBox
from .onnx_file import open_network, run_checked

if TYPE_CHECKING:
    from onnxruntime import InferenceSession

# the networks that come with acq, with facenet-pytorch's weights
NETS = Path(__file__).parent / "weights"

_CELL, _STRIDE = 12, 2     # P-Net looks at 12x12 pixels, 2 apart
_R_SIDE, _O_SIDE = 24, 48
_BATCH = 512               # boxes checked at once: bounds the memory where thousands are proposed


class Mtcnn:
    """MTCNN on ONNX Runtime.

    Parameters
    ----------
    folder : holds `pnet.onnx`, `rnet.onnx`, `onet.onnx`; the shipped ones where not given
    smallest_px : side of the smallest face that is looked for; the network's own where not given
    min_probability : of a face; the network's own where not given

    Raises
    ------
    TrainingError : a network is missing or none of ours
    """

    def __init__(
        self, folder: Path = NETS, *, threads: int = 1, smallest_px: float | None = None,
        min_probability: float | None = None,
    ) -> None:
        self._pnet, self.constants = open_network(folder / "pnet.onnx", "pnet", threads=threads)
        self._rnet, _ = open_network(folder / "rnet.onnx", "rnet", threads=threads)
        self._onet, _ = open_network(folder / "onet.onnx", "onet", threads=threads)
        self._smallest_px = smallest_px or self.constants["smallest_px"]
        self._min_probability = min_probability or self.constants["min_probability"]
        self._factor = self.constants["factor"]

    def find(self, image: np.ndarray) -> list[FaceBox]:
        """Find every face of at least the minimum probability.

        Parameters
        ----------
        image : (H, W, 3) uint8 RGB

        Returns
        -------
        boxes rounded outwards, the largest first; that of a face that is cut by the edge of the
        image leaves the image
        """
        faces = self._cascade(image)
        area = (faces[:, 2] - faces[:, 0]) * (faces[:, 3] - faces[:, 1])
        return [
            FaceBox(
                math.floor(left), math.floor(top), math.ceil(right), math.ceil(bottom),
                float(probability),
            )
            for left, top, right, bottom, probability in faces[np.argsort(area)[::-1]]
            if probability >= self._min_probability
        ]

    def _cascade(self, image: np.ndarray) -> np.ndarray:
        """Return the boxes of O-Net, (K, 5) float32: left, top, right, bottom, probability."""
        height, width = image.shape[:2]
        depth = cv2.CV_32S if 255 * height * width < 2**31 else cv2.CV_64F    # either is exact
        integral = cv2.integral(np.ascontiguousarray(image), sdepth=depth)    # (H + 1, W + 1, 3)
        boxes, correction = self._check(
            self._rnet, self._propose(integral), integral, _R_SIDE, self.constants["threshold_r"]
        )
        kept = _suppress(boxes, 0.7)
        boxes, correction = self._check(
            self._onet, _square(_corrected(boxes[kept], correction[kept], 1)), integral, _O_SIDE,
            self.constants["threshold_o"],
        )
        boxes = _corrected(boxes, correction, 1)
        return boxes[_suppress(boxes, 0.7, of_smaller=True)]

    def _propose(self, integral: np.ndarray) -> np.ndarray:
        """Run P-Net at every level of the pyramid: (K, 5) float32, squares and probabilities."""
        height, width = integral.shape[0] - 1, integral.shape[1] - 1
        scale = _CELL / self._smallest_px
        shortest = min(height, width) * scale
        boxes, corrections = [np.empty((0, 5), np.float32)], [np.empty((0, 4), np.float32)]
        while shortest >= _CELL:
            level = _average(
                integral, *_spans(0, height, int(height * scale + 1)),
                *_spans(0, width, int(width * scale + 1)),
            )
            rows, columns = (-(-(side - 2) // _STRIDE) - 4 for side in level.shape[:2])
            outputs = run_checked(
                self._pnet, {"image": _input(level[None])},
                {"box": (1, 4, rows, columns), "face": (1, rows, columns)}, name="pnet",
            )
            correction, face = (output[0] for output in outputs)
            cells = np.argwhere(face >= self.constants["threshold_p"])
            corner = cells[:, ::-1].astype(np.float32) * _STRIDE + 1
            first, last = np.floor(corner / scale), np.floor((corner + _CELL - 1) / scale)
            proposed = np.column_stack([first, last, face[tuple(cells.T)]])
            kept = _suppress(proposed, 0.5)
            boxes.append(proposed[kept])
            corrections.append(correction[:, cells[kept, 0], cells[kept, 1]].T)
            scale *= self._factor
            shortest *= self._factor
        proposed, correction = np.concatenate(boxes), np.concatenate(corrections)
        kept = _suppress(proposed, 0.7)
        return _square(_corrected(proposed[kept], correction[kept], 0))

    @staticmethod
    def _check(
        network: "InferenceSession", boxes: np.ndarray, integral: np.ndarray, side: int,
        threshold: float,
    ) -> tuple[np.ndarray, np.ndarray]:
        """Run R-Net or O-Net on each box; return those that pass, and the corrections of them."""
        spans, inside = _inside(boxes, integral.shape[1] - 1, integral.shape[0] - 1)
        boxes, spans = boxes[inside], spans[inside]
        if not len(boxes):
            return np.empty((0, 5), np.float32), np.empty((0, 4), np.float32)
        outputs = [
            run_checked(
                network, {"image": _crops(integral, some, side)},
                {"box": (len(some), 4), "face": (len(some),)}, name=f"for {side}x{side} pixels",
            )
            for some in (spans[at : at + _BATCH] for at in range(0, len(spans), _BATCH))
        ]
        correction, face = (np.concatenate(parts) for parts in zip(*outputs, strict=True))
        passed = face > threshold
        return np.column_stack([boxes[passed, :4], face[passed]]), correction[passed]


def _spans(begin: int, length: int, count: int) -> tuple[np.ndarray, np.ndarray]:
    """Return where each of `count` target pixels begins, and ends (not included), of `length`."""
    at = np.arange(count)
    return begin + at * length // count, begin - (-(at + 1) * length // count)


def _average(
    integral: np.ndarray, top: np.ndarray, bottom: np.ndarray, left: np.ndarray, right: np.ndarray
) -> np.ndarray:
    """Average an image over every pair of row span and column span: (rows, columns, 3) float32."""
    strips = integral.take(bottom, axis=0) - integral.take(top, axis=0)
    total = strips.take(right, axis=1) - strips.take(left, axis=1)
    return (total / np.multiply.outer(bottom - top, right - left)[:, :, None]).astype(np.float32)


def _crops(integral: np.ndarray, spans: np.ndarray, side: int) -> np.ndarray:
    """Average the inside of each (left, top, right, bottom) to side x side: a network's input."""
    crops = [
        _average(integral, *_spans(top, bottom - top, side), *_spans(left, right - left, side))
        for left, top, right, bottom in spans.tolist()
    ]
    return _input(np.stack(crops))


def _input(images: np.ndarray) -> np.ndarray:
    """Scale (N, H, W, 3) grey levels as MTCNN was trained, and move their axes to (N, 3, H, W)."""
    return np.ascontiguousarray(
        ((images - np.float32(127.5)) * np.float32(0.0078125)).transpose(0, 3, 1, 2)
    )


def _inside(boxes: np.ndarray, width: int, height: int) -> tuple[np.ndarray, np.ndarray]:
    """Return the pixels of each box, clipped to the image, and which boxes hold any.

    A row of pixels is left, top, right, bottom.
    """
    spans = boxes[:, :4].astype(np.int64)
    first = np.maximum(spans[:, :2], 1) - 1    # MTCNN counts pixels from 1
    last = np.minimum(spans[:, 2:], (width, height))
    return np.column_stack([first, last]), np.all(last > first, axis=1)


def _corrected(boxes: np.ndarray, correction: np.ndarray, more: int) -> np.ndarray:
    """Move each side by the network's correction, in units of the box's size (plus `more`)."""
    size = boxes[:, 2:4] - boxes[:, :2] + more
    return np.column_stack([boxes[:, :4] + correction * np.tile(size, 2), boxes[:, 4]])


def _square(boxes: np.ndarray) -> np.ndarray:
    """Make each box a square about its centre, of its longer side."""
    size = boxes[:, 2:4] - boxes[:, :2]
    side = size.max(axis=1, keepdims=True)
    corner = boxes[:, :2] + size * np.float32(0.5) - side * np.float32(0.5)
    return np.column_stack([corner, corner + side, boxes[:, 4]])


def _suppress(boxes: np.ndarray, threshold: float, *, of_smaller: bool = False) -> np.ndarray:
    """Keep the boxes that no better one overlaps, best first.

    Parameters
    ----------
    boxes : (K, 5), the last column the score
    threshold : a box is dropped whose intersection with a kept one is more than this part of their
        union, or, `of_smaller`, of the smaller of the two, whose right and bottom pixels then count
        as inside

    Returns
    -------
    indices into `boxes`
    """
    first, last = boxes[:, :2], boxes[:, 2:4] + of_smaller
    area = (last - first).prod(axis=1)
    rest = np.argsort(-boxes[:, 4], kind="stable")
    kept = []
    while len(rest):
        best, rest = rest[0], rest[1:]
        kept.append(best)
        shared = np.minimum(last[best], last[rest]) - np.maximum(first[best], first[rest])
        shared = np.maximum(shared, 0).prod(axis=1)
        whole = area[best] + area[rest] - shared
        if of_smaller:
            whole = np.minimum(area[best], area[rest])
        rest = rest[shared <= threshold * whole]
    return np.array(kept, np.int64)
