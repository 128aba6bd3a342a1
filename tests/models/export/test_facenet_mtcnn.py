"""What stands in for torchvision where facenet-pytorch's own does not load; its boxes are compared
in `test_mtcnn`.
"""

import pytest

torch = pytest.importorskip("torch")

from models.export.facenet_mtcnn import batched_nms, nms


# Two 10x10 boxes moved apart by d along x overlap by 10(10 - d) of 100 + 100: IoU = (10 - d) / (10
# + d).
@pytest.mark.parametrize(
    ("shift", "threshold", "kept"),
    [
        pytest.param(0, 0.5, [1], id="same box, the better one stays"),
        pytest.param(2, 0.66, [1], id="IoU 0.667 above 0.66"),
        pytest.param(2, 0.67, [1, 0], id="IoU 0.667 below 0.67"),
        pytest.param(5, 1 / 3, [1, 0], id="IoU equal to the threshold stays"),
        pytest.param(10, 0.0, [1, 0], id="touching edges do not overlap"),
        pytest.param(30, 0.1, [1, 0], id="far apart"),
    ],
)
def test_nms_by_hand(shift, threshold, kept):
    boxes = torch.tensor(
        [[0.0, 0.0, 10.0, 10.0], [shift, 0.0, 10.0 + shift, 10.0]], dtype=torch.float64
    )
    assert nms(boxes, torch.tensor([0.6, 0.9]), threshold).tolist() == kept


def test_nms_chain():
    # b hides a and c, which do not overlap each other; without b both stay.
    boxes = torch.tensor([[0.0, 0, 10, 10], [5, 0, 15, 10], [10, 0, 20, 10]])
    assert nms(boxes, torch.tensor([0.5, 0.9, 0.6]), 0.3).tolist() == [1]
    assert nms(boxes, torch.tensor([0.9, 0.5, 0.6]), 0.3).tolist() == [0, 2]
    assert nms(boxes[:0], torch.empty(0), 0.3).tolist() == []


def test_batched_nms_keeps_groups_apart():
    boxes = torch.tensor([[0.0, 0, 10, 10], [0, 0, 10, 10], [-5, 0, 5, 10]])
    groups = torch.tensor([0, 1, 1])
    assert batched_nms(boxes, torch.tensor([0.5, 0.9, 0.6]), groups, 0.3).tolist() == [1, 0]
    assert batched_nms(boxes[:0], torch.empty(0), groups[:0], 0.3).tolist() == []
