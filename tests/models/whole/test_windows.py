"""A window of a stretch: what is beside the face is looked for around it, too."""

import numpy as np

from models.fusion.fuse import Cause
from models.whole.stretches import Stretch
from models.whole.windows import read_windows

FPS, BPM = 30, 96.0
FACE, CORNERS = (5, 6, 9, 10), (0, 3, 12, 15)


def make_stretch(seconds, *, corners):
    """Return a face with a pulse at 96 bpm, and corners that swing with it, in much noise."""
    rng = np.random.default_rng(0)
    time_s = np.arange(seconds * FPS + 1) / FPS
    count, angle = len(time_s), 2 * np.pi * BPM / 60 * time_s
    beat = np.sin(angle) + 0.3 * np.sin(2 * angle + 1)
    blood = 0.004 * np.outer(beat, [0.33, 0.77, 0.53])
    colour = np.array([150.0, 110.0, 90.0]) * (1 - blood + rng.normal(0, 0.0005, (count, 3)))
    parts = np.full((count, 16, 3), 90.0)
    own = rng.normal(0, 0.001, parts.shape)
    parts[:, FACE] = colour[:, None]
    parts[:, CORNERS] *= (1 - corners * beat + rng.normal(0, 0.01, count))[:, None, None]
    parts *= 1 + own
    changes = np.diff(beat, prepend=beat[0])
    changes = changes / changes.std() + 0.3 * rng.normal(size=count)
    return Stretch(
        "face found", time_s, colour, parts.astype(np.float32), None, np.zeros((count, 2)),
        lambda: changes, np.ones(count, bool),
    )


def test_what_swings_beside_the_face_for_half_a_minute_is_found_in_each_of_its_windows():
    (alone,) = read_windows(make_stretch(10, corners=0.003))
    assert abs(alone.rate.bpm - BPM) < 1              # ten seconds do not show it
    middle = read_windows(make_stretch(30, corners=0.003))[10]
    assert middle.rate.bpm is None
    assert middle.rate.why_not == "light or motion beside the face has the same rate, 96"
    assert middle.rate.cause == Cause.ELSEWHERE
    still = read_windows(make_stretch(30, corners=0.0))
    assert all(abs(window.rate.bpm - BPM) < 1 for window in still)
