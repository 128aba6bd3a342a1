"""What networks predict for a video, and how long it takes them."""

import time

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from models.evaluation.inference import ms_per_frame, predict_changes, predict_changes_onnx
from models.export.in_memory import open_checkpoint
from models.nets.can import Student, Teacher
from models.nets.checkpoint import save_checkpoint
from tests.support.curated_videos import made_video


def test_prediction_does_not_depend_on_the_batch():
    video = made_video(57)
    for net in (Teacher(), Student()):
        whole = predict_changes(net, video, clip=5, batch=250)
        assert whole.shape == (57,)
        np.testing.assert_allclose(predict_changes(net, video, clip=5, batch=12), whole, atol=1e-5)


@pytest.mark.parametrize("pairs", [5, 8])
def test_an_exported_teacher_is_read_with_the_masks_of_its_training(tmp_path, pairs):
    torch.manual_seed(0)
    net, video = Teacher(), made_video(57)
    path = tmp_path / "teacher.safetensors"
    save_checkpoint(
        path, net, split_hash="s", data_hash="d", about={"recipe": {"clip": pairs}}
    )
    exported = predict_changes_onnx(open_checkpoint(path), video)
    expected, other = (predict_changes(net, video, clip=clip) for clip in (pairs, 4))
    np.testing.assert_allclose(exported, expected, atol=1e-6)
    assert np.abs(exported - other).max() > 2e-5


def test_ms_per_frame_is_measured_and_threads_are_put_back():
    threads = torch.get_num_threads()
    assert 0 < ms_per_frame(Student(), frames=5) < ms_per_frame(Teacher(), frames=5)
    assert torch.get_num_threads() == threads


def test_ms_per_frame_is_of_the_processor_and_not_of_the_time_that_passes():
    net = Student()
    net.register_forward_pre_hook(lambda *_: time.sleep(0.05))
    assert ms_per_frame(net, frames=3) < 50
