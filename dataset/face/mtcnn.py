"""MTCNN: faces found by its cascade of three networks, with numpy, OpenCV and ONNX Runtime; the
boxes of facenet-pytorch.

The cascade is that of Zhang et al. ("Joint Face Detection and Alignment Using Multitask Cascaded
Convolutional Networks", IEEE SPL 23(10), 2016) as facenet-pytorch runs it: P-Net over a pyramid of
the image proposes boxes, R-Net and O-Net look at each again; between them boxes are corrected, and
of boxes that overlap the best one stays. The numbers of the cascade stand in the file of P-Net.

Everywhere an image is made smaller, facenet-pytorch averages over the pixels that a target pixel
touches, each counted whole. Those are sums over rectangles, so one integral image serves every
level of the pyramid and every box.
"""

import math
from pathlib import Path

import cv2
import numpy as np

from .box import FaceBox
from .onnx_file import open_session

# the networks that come with acq, with facenet-pytorch's weights
NETS = Path(__file__).parent / "weights"

_CELL, _STRIDE = 12, 2     # P-Net looks at 12x12 pixels, 2 apart
_R_SIDE, _O_SIDE = 24, 48
_BATCH = 512               # boxes looked at at once: bounds the memory where thousands are proposed


class Mtcnn:
    """MTCNN on ONNX Runtime.

    Parameters
    ----------
    folder : holds `pnet.onnx`, `rnet.onnx`, `onet.onnx`; the shipped ones where not given

    Raises
    ------
    TrainingError : a net is missing or none of ours
    """

    def __init__(self, folder: Path = NETS, *, threads: int = 1) -> None:
        self._pnet, self.constants = open_session(folder / "pnet.onnx", "pnet", threads=threads)
        self._rnet, _ = open_session(folder / "rnet.onnx", "rnet", threads=threads)
        self._onet, _ = open_session(folder / "onet.onnx", "onet", threads=threads)
        self._smallest_px, self._factor = self.constants["smallest_px"], self.constants["factor"]
        self._sure = self.constants["min_probability"]
        self._thresholds = [self.constants[f"threshold_{one}"] for one in "pro"]

    def find(self, image: np.ndarray) -> list[FaceBox]:
        """Find every face that is sure.

        Parameters
        ----------
        image : (H, W, 3) uint8 RGB

        Returns
        -------
        boxes rounded outwards and clipped to the image, the largest first; empty where no face is
        sure
        """
        height, width = image.shape[:2]
        found = self._cascade(image)
        area = (found[:, 2] - found[:, 0]) * (found[:, 3] - found[:, 1])
        boxes = []
        for left, top, right, bottom, probability in found[np.argsort(area)[::-1]]:
            if probability >= self._sure:
                boxes.append(
                    FaceBox(
                        max(math.floor(left), 0), max(math.floor(top), 0),
                        min(math.ceil(right), width), min(math.ceil(bottom), height),
                        float(probability),
                    )
                )
        return boxes

    def _cascade(self, image: np.ndarray) -> np.ndarray:
        """Give every box of the last net, (K, 5) float32: left, top, right, bottom, probability."""
        height, width = image.shape[:2]
        depth = cv2.CV_32S if 255 * height * width < 2**31 else cv2.CV_64F    # either is exact
        integral = cv2.integral(np.ascontiguousarray(image), sdepth=depth)    # (H + 1, W + 1, 3)
        boxes = self._propose(integral)
        for session, side, threshold in (
            (self._rnet, _R_SIDE, self._thresholds[1]), (self._onet, _O_SIDE, self._thresholds[2]),
        ):
            spans, inside = _inside(boxes, width, height)
            boxes, spans = boxes[inside], spans[inside]
            if not len(boxes):
                return np.empty((0, 5), np.float32)
            said = [
                session.run(
                    ["box", "face"], {"image": _crops(integral, spans[at : at + _BATCH], side)}
                )
                for at in range(0, len(spans), _BATCH)
            ]
            correction, face = (np.concatenate(parts) for parts in zip(*said, strict=True))
            passed = face > threshold
            boxes = np.column_stack([boxes[passed, :4], face[passed]])
            correction = correction[passed]
            if side == _R_SIDE:
                kept = _suppress(boxes, 0.7)
                boxes = _square(_corrected(boxes[kept], correction[kept], 1))
            else:
                boxes = _corrected(boxes, correction, 1)
                boxes = boxes[_suppress(boxes, 0.7, of_smaller=True)]
        return boxes

    def _propose(self, integral: np.ndarray) -> np.ndarray:
        """Let P-Net look at every level of the pyramid: (K, 5) float32, squares with their
        probability.
        """
        height, width = integral.shape[0] - 1, integral.shape[1] - 1
        scale = _CELL / self._smallest_px
        shortest = min(height, width) * scale
        boxes, corrections = [np.empty((0, 5), np.float32)], [np.empty((0, 4), np.float32)]
        while shortest >= _CELL:
            level = _average(
                integral, *_spans(0, height, int(height * scale + 1)),
                *_spans(0, width, int(width * scale + 1)),
            )
            correction, face = (
                np.asarray(said)[0]
                for said in self._pnet.run(["box", "face"], {"image": _input(level[None])})
            )
            found = np.argwhere(face >= self._thresholds[0])
            corner = found[:, ::-1].astype(np.float32) * _STRIDE + 1
            first, last = np.floor(corner / scale), np.floor((corner + _CELL - 1) / scale)
            proposed = np.column_stack([first, last, face[tuple(found.T)]])
            kept = _suppress(proposed, 0.5)
            boxes.append(proposed[kept])
            corrections.append(correction[:, found[kept, 0], found[kept, 1]].T)
            scale *= self._factor
            shortest *= self._factor
        proposed, correction = np.concatenate(boxes), np.concatenate(corrections)
        kept = _suppress(proposed, 0.7)
        return _square(_corrected(proposed[kept], correction[kept], 0))


def _spans(begin: int, length: int, count: int) -> tuple[np.ndarray, np.ndarray]:
    """Give where each of `count` target pixels begins and ends among `length` source pixels, ends
    not included.
    """
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
    return _input(
        np.stack(
            [
                _average(
                    integral, *_spans(top, bottom - top, side), *_spans(left, right - left, side)
                )
                for left, top, right, bottom in spans.tolist()
            ]
        )
    )


def _input(images: np.ndarray) -> np.ndarray:
    """Scale (N, H, W, 3) grey levels about 0 as MTCNN was trained, and turn them to (N, 3, H, W).
    """
    return np.ascontiguousarray(
        ((images - np.float32(127.5)) * np.float32(0.0078125)).transpose(0, 3, 1, 2)
    )


def _inside(boxes: np.ndarray, width: int, height: int) -> tuple[np.ndarray, np.ndarray]:
    """Give the pixels of each box (left, top, right, bottom; clipped to the image), and which boxes
    hold any.
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
        shared = np.maximum(
            np.minimum(last[best], last[rest]) - np.maximum(first[best], first[rest]), 0
        ).prod(axis=1)
        whole = (
            np.minimum(area[best], area[rest]) if of_smaller else area[best] + area[rest] - shared
        )
        rest = rest[shared <= threshold * whole]
    return np.array(kept, np.int64)
