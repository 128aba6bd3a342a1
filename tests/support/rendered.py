"""Colours of the skin in a rendered frame."""

import cv2
import numpy as np

from acquire.simulation.rendering.face import HEIGHT, TO_YUV, WIDTH


def rgb_of(image, where):
    """Mean colour of an I420 image where the mask says so, without the rounding of a conversion."""
    luma = image[:HEIGHT].astype(float)
    u, v = (
        image[HEIGHT + k * HEIGHT // 4 :][: HEIGHT // 4].reshape(HEIGHT // 2, WIDTH // 2)
        for k in (0, 1)
    )
    half = where[::2, ::2]
    yuv = [luma[where].mean() - 16, u[half].mean() - 128, v[half].mean() - 128]
    return np.linalg.solve(TO_YUV.astype(float), yuv)


def skin_of(subject, least=0.9):
    """Mask of well-inside skin of the subject at rest, on even pixels, over the frame."""
    layers = subject.renderer.layers
    skin = cv2.erode(layers.skin[: layers.box.height], np.ones((7, 7), np.uint8)) > least
    where = np.zeros((HEIGHT, WIDTH), bool)
    where[layers.box.top :, layers.box.left : layers.box.left + layers.box.width] = skin
    return where.reshape(HEIGHT // 2, 2, WIDTH // 2, 2).all(axis=(1, 3)).repeat(2, 0).repeat(2, 1)
