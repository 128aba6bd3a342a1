"""The networks of other papers, made small enough for a test; all else is as published."""

import torch

from models.published_nets.registry import OWN

TINY = {
    "deepphys": {"channels": (4, 6), "hidden": 8, "clip": 6},
    "tscan": {"channels": (6, 6), "hidden": 8, "clip": 6},
    "efficientphys": {"channels": (6, 6), "hidden": 8, "size": 36, "clip": 6},
    "nowara": {"channels": (4, 6), "hidden": 8, "units": 8, "clip": 12},
    "physnet": {"channels": (4, 6, 8), "size": 16, "clip": 16},
    "rppgnet": {"channels": (4, 8, 8), "size": 16, "clip": 12},
    "physformer": {"width": 16, "forward_width": 24, "blocks": 2, "size": 32, "clip": 16},
    "metarppg": {
        "channels": (4, 6), "units": 4, "levels": 6, "steps": 1, "size": 8, "clip": 12,
    },
    "pulsegan": {"channels": (4, 8), "clip": 32},
    "synrhythm": {"channels": (4, 6, 8, 8), "clip": 64},
    "bousefsaf": {
        "filters": 4, "kernel": (14, 7, 7), "hidden": 8, "classes": 7, "patch": 9, "size": 18,
        "clip": 16,
    },
}


def tiny_net(name, seed=0):
    """Return a fresh small network, in training mode."""
    torch.manual_seed(seed)
    return OWN[name].net(OWN[name].config(**TINY[name]))
