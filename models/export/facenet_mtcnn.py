"""facenet-pytorch's MTCNN, in torch: the origin of the weights that `dataset.face.mtcnn` uses.

`face_networks` rebuilds the shipped files from it, and tests compare its boxes with ours. Its
weights are inside its wheel; nothing is downloaded. The package imports torchvision at the top, and
uses two things of it: `torchvision.ops.boxes.batched_nms`, and `torchvision.transforms.functional`
to save crops, which we never do. torchvision's compiled operators do not load beside a torch built
for another device (`operator torchvision::nms does not exist`), which is the usual state of a
CPU-only machine and of many Jetsons. There, and only there, a stand-in with a pure-torch
`batched_nms` takes torchvision's place in `sys.modules` WHILE facenet-pytorch is imported, and is
removed again. `torchvision_works()` returns which of the two this process uses.
"""

import sys
import warnings
from functools import cache
from types import ModuleType
from typing import Any

import numpy as np
import torch

from dataset.face.box import MIN_PROBABILITY, FaceBox

NAME = "facenet-pytorch MTCNN"


def nms(boxes: torch.Tensor, scores: torch.Tensor, iou_threshold: float) -> torch.Tensor:
    """Keep the boxes that no better box overlaps, as torchvision's `nms` does, in plain torch.

    Parameters
    ----------
    boxes : (N, 4) float tensor, x1, y1, x2, y2 with x1 <= x2 and y1 <= y2
    scores : (N,) float tensor
    iou_threshold : a box whose intersection over union with a kept one is greater than this is
        dropped

    Returns
    -------
    (M,) int64 tensor of indices into `boxes`, by falling score
    """
    area = (boxes[:, 2] - boxes[:, 0]) * (boxes[:, 3] - boxes[:, 1])
    remaining = torch.argsort(scores, descending=True, stable=True)
    kept = []
    while len(remaining):
        best, remaining = remaining[0], remaining[1:]
        kept.append(best)
        sides = (torch.minimum(boxes[best, 2:], boxes[remaining, 2:])
                 - torch.maximum(boxes[best, :2], boxes[remaining, :2])).clamp(min=0)
        overlap = sides.prod(dim=1)
        union = area[best] + area[remaining] - overlap
        remaining = remaining[overlap <= iou_threshold * union]
    return torch.stack(kept) if kept else torch.empty(0, dtype=torch.int64, device=boxes.device)


def batched_nms(boxes: torch.Tensor, scores: torch.Tensor, idxs: torch.Tensor,
                iou_threshold: float) -> torch.Tensor:
    """Keep the best boxes within each group of equal `idxs`, as torchvision's `batched_nms` does.

    Groups are moved apart by more than the largest coordinate, so that boxes of different groups
    never overlap.
    """
    if not len(boxes):
        return nms(boxes, scores, iou_threshold)
    span = boxes.max() - boxes.min() + 1
    return nms(boxes + (idxs.to(boxes) * span)[:, None], scores, iou_threshold)


@cache
def torchvision_works() -> bool:
    """Return whether torchvision's compiled `nms` runs in this process."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            from torchvision.ops.boxes import batched_nms as compiled
        compiled(torch.zeros(1, 4), torch.zeros(1), torch.zeros(1, dtype=torch.int64), 0.5)
    except (ImportError, RuntimeError, AttributeError, OSError):
        return False
    return True


def _make_stand_in() -> dict[str, ModuleType]:
    """Make the modules that facenet-pytorch imports of torchvision, with the function it calls."""
    names = ("torchvision", "torchvision.ops", "torchvision.ops.boxes", "torchvision.transforms",
             "torchvision.transforms.functional")
    modules = {
        name: ModuleType(name, "a stand-in made by models.export.facenet_mtcnn") for name in names
    }
    for name, module in modules.items():
        parent, _, child = name.rpartition(".")
        if parent:
            setattr(modules[parent], child, module)
    vars(modules["torchvision.ops.boxes"])["batched_nms"] = batched_nms
    return modules


@cache
def load_mtcnn() -> Any:
    """Load the detector, once for this process."""
    works = torchvision_works()
    hidden = {} if works else {name: sys.modules.pop(name) for name in list(sys.modules)
                               if name.split(".")[0] == "torchvision"}
    try:
        if not works:
            sys.modules.update(_make_stand_in())
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            # Not `from facenet_pytorch import MTCNN`: that imports its recognition network, and
            # requests with it.
            from facenet_pytorch.models.mtcnn import MTCNN

            return MTCNN(
                select_largest=True, keep_all=False, post_process=False, device="cpu"
            ).eval()
    finally:
        if not works:
            for name in [name for name in sys.modules if name.split(".")[0] == "torchvision"]:
                del sys.modules[name]
            sys.modules.update(hidden)


def detect_face_in_torch(image: np.ndarray) -> FaceBox | None:
    """Find the largest face in an (H, W, 3) uint8 RGB image; None where there is none for sure.

    The box is the detector's own, rounded outwards and clipped to the image.
    """
    with torch.no_grad(), warnings.catch_warnings():
        warnings.simplefilter("ignore")    # facenet-pytorch compares ragged arrays
        boxes, probabilities = load_mtcnn().detect(np.ascontiguousarray(image))  # the largest first
    faces = [
        at for at, probability in enumerate(probabilities)
        if probability is not None and probability >= MIN_PROBABILITY
    ]
    if not faces:
        return None
    box, height, width = boxes[faces[0]], *image.shape[:2]
    left, top = np.floor(box[:2]).astype(int)
    right, bottom = np.ceil(box[2:]).astype(int)
    return FaceBox(
        max(left, 0), max(top, 0), min(right, width), min(bottom, height),
        float(probabilities[faces[0]]),
    )
