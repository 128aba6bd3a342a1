"""Messages from the process that looks at the devices to the studio, over a pipe.

Each is a letter, the length of its body, and the body: a picture (its time, and a JPEG) or a state
(JSON).
"""

import json
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from typing import IO, Any

import cv2
import numpy as np

from acquire.errors import AcqError
from dataset.common.files import finite

PICTURE, STATE = b"P", b"S"
_HEAD = struct.Struct("<cI")
_TIME = struct.Struct("<q")
_LARGEST = 32 * 2**20
JPEG_QUALITY = 80


@dataclass(frozen=True)
class Picture:
    """One picture to be shown."""

    number: int
    time_ns: int               # CLOCK_MONOTONIC, when its light fell
    jpeg: bytes


def encode(image: np.ndarray, pixel_format: str) -> bytes:
    """Return a frame, as its camera delivers it, as JPEG."""
    code = cv2.COLOR_YUV2BGR_I420 if pixel_format == "I420" else cv2.COLOR_RGB2BGR
    bgr = cv2.cvtColor(image, code)
    is_made, jpeg = cv2.imencode(".jpg", bgr, [cv2.IMWRITE_JPEG_QUALITY, JPEG_QUALITY])
    if not is_made:
        raise AcqError(expected="a frame as JPEG", found="none", fix="choose another camera")
    return jpeg.tobytes()


def write_picture(out: IO[bytes], time_ns: int, jpeg: bytes) -> None:
    """Write a picture."""
    out.write(_HEAD.pack(PICTURE, _TIME.size + len(jpeg)) + _TIME.pack(time_ns) + jpeg)
    out.flush()


def write_state(out: IO[bytes], state: dict[str, Any]) -> None:
    """Write a state."""
    body = json.dumps(finite(state), default=str).encode()
    out.write(_HEAD.pack(STATE, len(body)) + body)
    out.flush()


def read_messages(pipe: IO[bytes]) -> Iterator[tuple[int, bytes] | dict[str, Any]]:
    """Yield pictures, as their time and JPEG, and states, until the pipe ends."""
    while len(head := pipe.read(_HEAD.size)) == _HEAD.size:
        kind, size = _HEAD.unpack(head)
        if size > _LARGEST:
            return
        body = pipe.read(size)
        if len(body) < size:
            return
        if kind == PICTURE:
            yield _TIME.unpack_from(body)[0], body[_TIME.size:]
        else:
            yield json.loads(body)
