"""People placed in a room, as pictures in which the shipped MTCNN finds their faces."""

from functools import cache

import cv2
import numpy as np

from acquire.simulation.subject import VirtualSubject
from dataset.face.box import FaceBox
from dataset.face.mtcnn import Mtcnn

WIDTH, HEIGHT = 480, 270
LIGHT, DARK = "S03", "S06"          # two people who look different


@cache
def finder():
    """Return a finder of faces of 36 pixels or more."""
    return Mtcnn(smallest_px=36)


@cache
def head(person, at_s):
    """Return a subject's head at a time, (H, W, 3), and the detector's box in it."""
    image = cv2.cvtColor(
        subject(person).frame(at_s, round(25 * at_s)), cv2.COLOR_YUV2RGB_I420
    )
    face = finder().find(image)[0]
    left, top = face.left - face.width // 2, max(face.top - face.height // 2, 0)
    cut = image[top : face.bottom + face.height // 2, left : face.right + face.width // 2]
    return cut, FaceBox(
        face.left - left, face.top - top, face.right - left, face.bottom - top
    )


@cache
def subject(person):
    """Return the virtual subject."""
    return VirtualSubject(person)


@cache
def wall():
    """Return an uneven wall."""
    rng = np.random.default_rng(5)
    coarse = rng.normal(110, 25, (6, 10, 3)).astype(np.float32)
    return cv2.resize(coarse, (WIDTH, HEIGHT), interpolation=cv2.INTER_CUBIC)


def room(*people, seed=0):
    """Return a picture, and the box of each face in it.

    Parameters
    ----------
    people : each (person, x, y, face width) with x, y the middle of the face [pixels], and then,
        where not 0, the seconds at which the head is drawn and by how many degrees it is tilted
    """
    picture, boxes = wall().copy(), []
    for person, x, y, width, *rest in people:
        at_s, degrees = (*rest, 0, 0)[:2]
        cut, face = head(person, float(at_s))
        scale = width / face.width
        middle = ((face.left + face.right) / 2, (face.top + face.bottom) / 2)
        turn = cv2.getRotationMatrix2D(middle, degrees, scale)
        turn[:, 2] += (x - middle[0], y - middle[1])
        size = (WIDTH, HEIGHT)
        seen = cv2.warpAffine(np.ones(cut.shape[:2], np.float32), turn, size)[:, :, None]
        drawn = cv2.warpAffine(cut.astype(np.float32), turn, size, flags=cv2.INTER_AREA)
        picture = picture * (1 - seen) + drawn * seen
        half = (width / 2, scale * face.height / 2)
        boxes.append(FaceBox(
            round(x - half[0]), round(y - half[1]), round(x + half[0]), round(y + half[1])
        ))
    noise = np.random.default_rng(seed).normal(0, 1.5, picture.shape)
    return np.clip(np.rint(picture + noise), 0, 255).astype(np.uint8), boxes
