"""Sixteen seconds of a virtual subject in a video, and verbs that are run on it."""

import av
import numpy as np
from typer.testing import CliRunner

from acq.main import app
from acquire.errors import AcqError
from acquire.simulation.subject import VirtualSubject

FPS, SECONDS = 25.0, 16.0
SUBJECT = VirtualSubject("S08")


def acq(*words):
    """Run a verb; an `AcqError` is raised."""
    done = CliRunner().invoke(app, [str(word) for word in words])
    if isinstance(done.exception, AcqError):
        raise done.exception
    return done


def times(seconds=SECONDS):
    return np.arange(round(seconds * FPS)) / FPS


def film_subject(path):
    """Write the video, lossless."""
    with av.open(str(path), "w") as container:
        stream = container.add_stream("ffv1", rate=int(FPS))
        stream.width, stream.height, stream.pix_fmt = 640, 360, "yuv420p"
        for at, t in enumerate(times()):
            frame = av.VideoFrame.from_ndarray(SUBJECT.frame(float(t), at), format="yuv420p")
            frame.pts = at
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
