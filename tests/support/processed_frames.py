"""Frames of a virtual subject as a cheap camera would store them."""

from acquire.simulation.rendering.camera_pipeline import CameraPipeline


def processed_frames(subject, times_s, processing, fps):
    with CameraPipeline(processing, fps=fps) as pipeline:
        return [pipeline.process(subject.frame(float(t), n)) for n, t in enumerate(times_s)]
