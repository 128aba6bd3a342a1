"""The published methods on a rendered face of a virtual person, through box and regions."""

import cv2
import numpy as np
import pytest

from acquire.simulation.subject import VirtualSubject
from dataset.face.find import find_face
from dataset.face.frames import average_face, face_colour
from dataset.published_colour.methods import METHODS, read_pulse
from dataset.published_colour.regions import region_colours
from dataset.signals.filters import bandpass, heart_rate

FPS = 15.0


@pytest.fixture(scope="module")
def face():
    """Return colours, regions, and the finger's rate [bpm] of eleven seconds."""
    person = VirtualSubject("S01", seed=0)
    time_s = 3.0 + np.arange(round(11 * FPS)) / FPS
    box, frames = None, []
    for index, at_s in enumerate(time_s.tolist()):
        bgr = cv2.cvtColor(person.frame(at_s, index), cv2.COLOR_YUV2BGR_I420)
        box = box or find_face([bgr[:, :, ::-1]], name="S01")
        frames.append(average_face(bgr, box)[:, :, ::-1])
    kept = np.stack(frames)
    true_bpm = heart_rate(bandpass(person.ppg(time_s), FPS), FPS)
    return face_colour(kept, box), region_colours(kept, box), true_bpm


# the forehead of this face is half hair
@pytest.mark.parametrize("name", [name for name in METHODS if name != "pca_lewandowska"])
def test_the_rate_of_a_rendered_face_is_read(face, name):
    colour, regions, true_bpm = face
    assert np.isfinite(regions).all()
    pulse = bandpass(read_pulse(name, colour, regions, FPS), FPS)
    assert heart_rate(pulse, FPS) == pytest.approx(true_bpm, abs=2.0)
