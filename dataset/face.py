"""Where the face is: MTCNN's box in the first frame, enlarged and then held for the whole video.

Holding one box, instead of following the face, is the published preprocessing: a box that is found again in every frame
jitters by a pixel or two, and that jitter is many times larger than the pulse. The box is enlarged 1.6 times so that a
head that sways for some minutes stays inside.

The detector is facenet-pytorch's MTCNN with the weights that its wheel carries; nothing is downloaded. That package
imports torchvision at the top, and uses two things of it: `torchvision.ops.boxes.batched_nms`, and
`torchvision.transforms.functional`, only to save crops, which we never do. torchvision's compiled operators do not load
beside a torch built for another device (`operator torchvision::nms does not exist`), which is the usual state of a
CPU-only machine and of many Jetsons. There, and only there, a stand-in with a pure-torch `batched_nms` takes
torchvision's place in `sys.modules` WHILE facenet-pytorch is imported, and is removed again. `torchvision_works()`
says which of the two this process uses.
"""

import sys
import warnings
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from types import ModuleType
from typing import TYPE_CHECKING, Any

import numpy as np

from acquire.errors import CurationError

if TYPE_CHECKING:
    import torch

DETECTOR = "facenet-pytorch MTCNN"
ENLARGE = 1.6          # the published factor
SEARCH_FRAMES = 30     # about the first second: a blink or a late focus may hide the face in the very first frame
MIN_PROBABILITY = 0.9  # MTCNN gives 0.99 and more to a frontal face, 0.7 to a pattern on a shirt


@dataclass(frozen=True)
class FaceBox:
    """A rectangle in pixels, its right and bottom edge not included."""

    left: int
    top: int
    right: int
    bottom: int
    probability: float = 1.0
    frame: int = 0         # index of the frame it was found in

    def crop(self, image: np.ndarray) -> np.ndarray:
        """Give the part of an (H, W, ...) image inside the box, as a view."""
        return image[self.top:self.bottom, self.left:self.right]


def nms(boxes: "torch.Tensor", scores: "torch.Tensor", iou_threshold: float) -> "torch.Tensor":
    """Keep the boxes that no better box overlaps, best first: torchvision's `nms`, in plain torch.

    Parameters
    ----------
    boxes : (N, 4) float tensor, x1, y1, x2, y2 with x1 <= x2 and y1 <= y2
    scores : (N,) float tensor
    iou_threshold : a box whose intersection over union with a kept one is greater than this is dropped

    Returns
    -------
    (M,) int64 tensor of indices into `boxes`, by falling score
    """
    import torch

    area = (boxes[:, 2] - boxes[:, 0]) * (boxes[:, 3] - boxes[:, 1])
    rest = torch.argsort(scores, descending=True, stable=True)
    kept = []
    while len(rest):
        best, rest = rest[0], rest[1:]
        kept.append(best)
        overlap = (torch.minimum(boxes[best, 2:], boxes[rest, 2:])
                   - torch.maximum(boxes[best, :2], boxes[rest, :2])).clamp(min=0).prod(dim=1)
        rest = rest[overlap <= iou_threshold * (area[best] + area[rest] - overlap)]
    return torch.stack(kept) if kept else torch.empty(0, dtype=torch.int64, device=boxes.device)


def batched_nms(boxes: "torch.Tensor", scores: "torch.Tensor", idxs: "torch.Tensor",
                iou_threshold: float) -> "torch.Tensor":
    """Keep the best boxes within each group of equal `idxs`: torchvision's `batched_nms`.

    Groups are moved apart by more than the largest coordinate, so that boxes of different groups never overlap.
    """
    if not len(boxes):
        return nms(boxes, scores, iou_threshold)
    span = boxes.max() - boxes.min() + 1
    return nms(boxes + (idxs.to(boxes) * span)[:, None], scores, iou_threshold)


@cache
def torchvision_works() -> bool:
    """Say whether torchvision's compiled `nms` runs in this process."""
    import torch

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            from torchvision.ops.boxes import batched_nms as compiled
        compiled(torch.zeros(1, 4), torch.zeros(1), torch.zeros(1, dtype=torch.int64), 0.5)
    except (ImportError, RuntimeError, AttributeError, OSError):
        return False
    return True


def _stand_in() -> dict[str, ModuleType]:
    """Build the four modules that facenet-pytorch imports from torchvision, with the one function it calls."""
    names = ("torchvision", "torchvision.ops", "torchvision.ops.boxes", "torchvision.transforms",
             "torchvision.transforms.functional")
    modules = {name: ModuleType(name, "a stand-in made by dataset.face") for name in names}
    for name, module in modules.items():
        parent, _, child = name.rpartition(".")
        if parent:
            setattr(modules[parent], child, module)
    vars(modules["torchvision.ops.boxes"])["batched_nms"] = batched_nms
    return modules


@cache
def _mtcnn() -> Any:
    """Load the detector once for this process."""
    works = torchvision_works()
    hidden = {} if works else {name: sys.modules.pop(name) for name in list(sys.modules)
                               if name.split(".")[0] == "torchvision"}
    try:
        if not works:
            sys.modules.update(_stand_in())
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            # Not `from facenet_pytorch import MTCNN`: that imports its recognition network, and requests with it.
            from facenet_pytorch.models.mtcnn import MTCNN
            return MTCNN(select_largest=True, keep_all=False, post_process=False, device="cpu").eval()
    finally:
        if not works:
            for name in [name for name in sys.modules if name.split(".")[0] == "torchvision"]:
                del sys.modules[name]
            sys.modules.update(hidden)


def detect_face(image: np.ndarray) -> FaceBox | None:
    """Find the largest box in an (H, W, 3) uint8 RGB image that is surely a face; None where there is none.

    The box is the detector's own, rounded outwards and clipped to the image.
    """
    import torch

    with torch.no_grad(), warnings.catch_warnings():
        warnings.simplefilter("ignore")    # facenet-pytorch compares ragged arrays
        boxes, probabilities = _mtcnn().detect(np.ascontiguousarray(image))      # the largest first
    sure = [at for at, probability in enumerate(probabilities) if probability is not None and probability >= MIN_PROBABILITY]
    if not sure:
        return None
    box, height, width = boxes[sure[0]], *image.shape[:2]
    left, top = np.floor(box[:2]).astype(int)
    right, bottom = np.ceil(box[2:]).astype(int)
    return FaceBox(max(left, 0), max(top, 0), min(right, width), min(bottom, height), float(probabilities[sure[0]]))


def enlarge(box: FaceBox, factor: float, width: int, height: int) -> FaceBox:
    """Enlarge a box about its centre, then clip it to an image of `width` x `height`."""
    centre_x, centre_y = (box.left + box.right) / 2, (box.top + box.bottom) / 2
    half_x, half_y = (box.right - box.left) * factor / 2, (box.bottom - box.top) * factor / 2
    return FaceBox(
        max(round(centre_x - half_x), 0), max(round(centre_y - half_y), 0),
        min(round(centre_x + half_x), width), min(round(centre_y + half_y), height),
        box.probability, box.frame,
    )


def find_face(frames: Iterable[np.ndarray], *, name: str, factor: float = ENLARGE) -> FaceBox:
    """Give the enlarged box of the face in the first frame that shows one, within the first second.

    Parameters
    ----------
    frames : (H, W, 3) uint8 RGB images; at most `SEARCH_FRAMES` of them are taken
    name : what to call the video in an error

    Raises
    ------
    CurationError : no face in any of them
    """
    looked = 0
    for index, image in enumerate(frames):
        if index >= SEARCH_FRAMES:
            break
        looked += 1
        # The first frame nearly always has it; when not, every fifth is looked at, for a detection takes 0.1 s.
        if index and index % 5:
            continue
        box = detect_face(image)
        if box is not None:
            height, width = image.shape[:2]
            found = FaceBox(box.left, box.top, box.right, box.bottom, box.probability, index)
            return enlarge(found, factor, width, height)
    raise CurationError(f"expected a face in the first second of {name}, found none in {looked} frames; "
                        "look at the video, and leave it out or record it again")
