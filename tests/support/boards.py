"""Runs and exports of untrained networks, for tests of what a board runs."""

import torch

from models.export.export import export
from models.nets.can import Student, Teacher
from models.nets.checkpoint import save_checkpoint


def make_untrained(folder, *, names=("student", "student_kd", "teacher"), data_hash="0" * 64):
    """Write the checkpoints of a run of fresh networks.

    Their batch normalisation is not the identity, so that folding it away is tested too.
    """
    folder.mkdir(parents=True)
    for seed, name in enumerate(names):
        torch.manual_seed(seed)
        net = (Teacher if name == "teacher" else Student)()
        with torch.no_grad():
            for module in net.modules():
                if isinstance(module, torch.nn.BatchNorm2d):
                    module.running_mean.normal_(0, 0.1)
                    module.running_var.uniform_(0.5, 2)
                    module.weight.uniform_(0.5, 2)
                    module.bias.normal_(0, 0.1)
        save_checkpoint(
            folder / f"{name}.safetensors", net, split_hash="1" * 64, data_hash=data_hash, about={}
        )
    return folder


def make_board(folder):
    """Export an untrained student and teacher to `folder/board`."""
    return export(make_untrained(folder / "runs" / "untrained"), out=folder / "board").folder
