"""A person before a camera, in 64x48 pixels, and a network that needs no training."""

import cv2
import numpy as np

from dataset.face.box import FaceBox

FACE = FaceBox(22, 12, 42, 36)


class RedOverGreen:
    """Predicts how much redder than green the middle of the face has become.

    It reads virtual and real faces, not well.
    """

    needs_appearance = False

    def __init__(self, motion="normalised"):
        self.motion = motion
        self.constants = {"enlarge": 1.6, "appearance_scale": 255}

    def predict(self, motion, appearance=None):
        return (motion[:, 0] - motion[:, 1])[:, 7:29, 7:29].mean(axis=(1, 2))


# grey levels of red, green and blue that a beat takes: more green than red
BLOOD = 2.4 * np.array([0.33, 0.77, 0.53])


class Scene:
    """Noise, and faces that are darker with every beat; a test changes it between pictures.

    `faces` is what the finder finds; `bpm` 0 is a photograph; `level` the light; with `still` the
    same picture is returned again. `drawn` is where faces are, if not where they are found (or were
    last); `people` says of a box whose face is in it, person 0 if nothing.
    """

    def __init__(self, *, bpm=72.0, seed=0):
        self.bpm, self.level, self.faces, self.still = bpm, 120.0, [FACE], False
        self.drawn, self.people, self._found = None, {}, []
        self.searches = 0
        self._rng, self._picture = np.random.default_rng(seed), None

    def picture(self, t_s):
        if not self.still or self._picture is None:
            noise = self._rng.normal(0, 2.0 if self.level > 30 else 0.7, (48, 64, 3))
            beat = np.sin(2 * np.pi * self.bpm / 60 * t_s)
            seen = (120 + self._features()) * (self.level / 120)
            for box in self.drawn or self._found:
                seen[box.top:box.bottom, box.left:box.right] -= beat * BLOOD
            self._picture = np.clip(np.rint(seen + noise), 0, 255).astype(np.uint8)
        return self._picture

    def _features(self):
        """Return what the faces look like: a pattern and a colour for each person."""
        self._found = self.faces or self._found
        features = np.zeros((48, 64, 3))
        for box in self.drawn or self._found:
            rng = np.random.default_rng(1000 + self.people.get(box, 0))
            pattern = rng.normal(0, 20, (5, 5, 1)) + rng.normal(0, 15, 3)
            features[box.top:box.bottom, box.left:box.right] = cv2.resize(
                pattern, (box.width, box.height), interpolation=cv2.INTER_LINEAR
            )
        return features

    def find(self, image):
        assert image.shape == (48, 64, 3)
        self.searches += 1
        return list(self.faces)


def frame_times(seconds, *, fps=25.0, begin_s=0.0, seed=0):
    """Return uneven frame times [s], as cameras have them."""
    count = round(seconds * fps)
    return begin_s + (np.arange(count) + np.random.default_rng(seed).uniform(0, 0.2, count)) / fps


def play(live, scene, times):
    """Return every reading."""
    return [live.add_frame(scene.picture(t), float(t)) for t in times]


def states(readings):
    """Return the states in their order, without repetitions in a row."""
    return [r.state for at, r in enumerate(readings) if not at or r.state != readings[at - 1].state]
