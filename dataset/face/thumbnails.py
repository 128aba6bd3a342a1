"""A few small pictures of a session's face, for pages that were asked to show it."""

from pathlib import Path

import cv2
import numpy as np

from dataset.session.reader import Session

from .quick_look import spot_face

_AT = (0.05, 0.35, 0.65, 0.95)     # of the session
_ROWS = 120
_MARGIN = 0.3                      # of the face's width is shown on each side


def make_thumbnails(session_path: Path) -> list[np.ndarray]:
    """Return up to four pictures of the face, each (120, W, 3) uint8 RGB, where one is seen.

    Raises
    ------
    SessionError : the session cannot be read
    """
    thumbnails = []
    with Session(session_path) as session:
        for share in _AT if len(session.frames) else ():
            image = session.frames[int(share * len(session.frames))]
            box = spot_face(cv2.cvtColor(image, cv2.COLOR_RGB2GRAY))
            if box is None:
                continue
            margin = round(_MARGIN * (box.right - box.left))
            cut = image[
                max(0, box.top - margin) : box.bottom + margin,
                max(0, box.left - margin) : box.right + margin,
            ]
            columns = max(1, round(_ROWS * cut.shape[1] / cut.shape[0]))
            thumbnails.append(cv2.resize(cut, (columns, _ROWS), interpolation=cv2.INTER_AREA))
    return thumbnails
