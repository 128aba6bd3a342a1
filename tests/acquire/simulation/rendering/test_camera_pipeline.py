"""What a cheap camera does to frames: as much as its settings say."""

import numpy as np
import pytest

from acquire.simulation.rendering.camera_pipeline import CameraPipeline, CameraProcessing
from acquire.simulation.subject import VirtualSubject
from acquire.simulation.world import draw_world
from tests.support.processed_frames import processed_frames


def test_a_plain_pipeline_changes_nothing():
    frame = VirtualSubject("S01").frame(1.0, 0)
    with CameraPipeline(CameraProcessing(), fps=25.0) as pipeline:
        processed = pipeline.process(frame)
    inside = slice(16, 236)  # video range; what lies beside it is clipped
    is_inside = (frame >= inside.start) & (frame < inside.stop)
    assert (processed[is_inside] == frame[is_inside]).all()


@pytest.mark.parametrize(("codec", "fine", "coarse"), [("mjpeg", 2, 20), ("h264", 12, 35)])
def test_compression_costs_what_its_quality_says(codec, fine, coarse):
    subject = VirtualSubject("S01")
    times_s = 1.0 + np.arange(6) / 25
    plain = np.array(processed_frames(subject, times_s, CameraProcessing(), 25.0), dtype=float)
    errors = []
    for quality in (fine, coarse):
        processing = CameraProcessing(codec=codec, quality=quality)
        coded = np.array(processed_frames(subject, times_s, processing, 25.0), dtype=float)
        assert coded.shape == plain.shape
        errors.append(float(np.sqrt(np.mean((coded - plain) ** 2))))
    assert 0.1 < errors[0] < 3.0 < 8.0
    assert errors[1] > 1.15 * errors[0]


def test_denoising_quietens_and_sharpening_does_not():
    subject = VirtualSubject("S01", world=draw_world("S01", seed=0, session=0))
    times_s = np.full(12, 1.0)  # the same instant again and again: what differs is noise

    def noise(processing):
        frames = np.array(processed_frames(subject, times_s, processing, 25.0)[6:], dtype=float)
        return frames[:, 20:100, 20:100].std(axis=0).mean()

    assert noise(CameraProcessing(denoise=0.6)) < 0.7 * noise(CameraProcessing())
    assert noise(CameraProcessing(sharpen=1.0)) > noise(CameraProcessing())
