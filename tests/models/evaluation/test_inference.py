"""What networks predict for a video, and how long it takes them."""

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from models.evaluation.inference import ms_per_frame, predict_changes
from models.nets.can import Student, Teacher
from tests.support.curated_videos import made_video


def test_prediction_does_not_depend_on_the_batch():
    video = made_video(57)
    for net in (Teacher(), Student()):
        whole = predict_changes(net, video, clip=5, batch=250)
        assert whole.shape == (57,)
        np.testing.assert_allclose(predict_changes(net, video, clip=5, batch=12), whole, atol=1e-5)


def test_ms_per_frame_is_measured_and_threads_are_put_back():
    threads = torch.get_num_threads()
    assert 0 < ms_per_frame(Student(), frames=5) < ms_per_frame(Teacher(), frames=5)
    assert torch.get_num_threads() == threads
