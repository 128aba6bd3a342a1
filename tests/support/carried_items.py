"""Work of tests for workers of a cluster: without imports that take them seconds."""

import time

from dataset.common.scratch import Scratch
from dataset.common.workers import Places


def copy_slowly(path, seconds=0.0):
    """Write what a file holds beside it, after a while; return the file's path."""
    time.sleep(seconds)
    path.with_suffix(".copy").write_bytes(path.read_bytes())
    return path


def beside(path):
    """Return the places of an item that is a file and writes beside it."""
    return Places((path,), path.parent)


def read_other_bytes(scratch, batch):
    """Return, in the place of `Scratch.read`, other bytes than were written."""
    return [b"\0" + piece[1:] for piece in Scratch.read(scratch, batch)]


def add_twice(scratch, name, piece):
    """Append a piece, in the place of `Scratch.add`, twice."""
    for _ in range(2):
        Scratch.add(scratch, name, piece)
