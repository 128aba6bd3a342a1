"""A teacher to start from, in place of the one that comes with acq: it has learnt nothing."""

import torch

from dataset.people import Drawn, LearntFrom
from models.nets.can import Teacher
from models.nets.checkpoint import save_checkpoint

DRAWN = LearntFrom(drawn=(Drawn(0, batches=1, clips=1),))


def stand_in_teacher(path, *, learnt_from=DRAWN, seed=9, net=None):
    """Write the checkpoint of a fresh teacher that says it has learnt from these people."""
    torch.manual_seed(seed)
    path.parent.mkdir(parents=True, exist_ok=True)
    about = {} if learnt_from is None else {"people": learnt_from.as_dict()}
    save_checkpoint(
        path, net or Teacher(), split_hash="2" * 64, data_hash="3" * 64, about=about
    )
    return path
