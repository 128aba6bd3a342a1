"""Trained weights with what they came from, as safetensors: loading one never runs code from it.

The header carries the network's kind and configuration, the hashes of split and data, the recipe
and the version, so that a file alone can be rebuilt, and refused where it does not belong.
"""

import json
from dataclasses import dataclass
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save

from acquire.errors import TrainingError

from .can import NETS, Net, build, describe

FORMAT = "acq-checkpoint-1"


@dataclass(frozen=True)
class Checkpoint:
    """A network read back, and where it came from."""

    net: Net
    split_hash: str
    data_hash: str
    about: dict       # the recipe, the seed, versions, the subjects of each side


def save_checkpoint(path: Path, net: Net, *, split_hash: str, data_hash: str, about: dict) -> None:
    """Write a network; the file appears whole or not at all."""
    header = {
        "format": FORMAT, **{key: json.dumps(value) for key, value in describe(net).items()},
        "split_hash": split_hash, "data_hash": data_hash, "about": json.dumps(about),
    }
    part = path.with_suffix(".part")
    tensors = {
        name: tensor.detach().cpu().contiguous() for name, tensor in net.state_dict().items()
    }
    part.write_bytes(save(tensors, metadata=header))
    part.replace(path)


def load_checkpoint(
    path: Path, *, split_hash: str | None = None, data_hash: str | None = None
) -> Checkpoint:
    """Read a network, ready to predict.

    Parameters
    ----------
    split_hash, data_hash : where given, what the file must have been trained on

    Raises
    ------
    TrainingError : not a checkpoint of ours, weights that do not fit its configuration, or another
        split or data
    """
    try:
        with safe_open(str(path), framework="pt") as file:
            header = file.metadata() or {}
            weights = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 (not a dict)
    except (SafetensorError, OSError) as error:
        raise TrainingError(f"expected a checkpoint at {path}, got {error}") from error
    if header.get("format") != FORMAT:
        raise TrainingError(
            f"expected {FORMAT} in {path}, got {header.get('format', 'a file without a format')}"
        )
    for name, wanted in (("split_hash", split_hash), ("data_hash", data_hash)):
        if wanted is not None and header.get(name) != wanted:
            raise TrainingError(
                f"expected {name} {wanted} in {path}, got {header.get(name)}; it was trained on "
                "other "
                "data, use the checkpoint of that data's own run"
            )
    try:
        description = {"net": json.loads(header["net"]), "config": json.loads(header["config"])}
        if description["net"] not in NETS:
            raise TrainingError(
                f"expected one of {', '.join(NETS)} in {path}, got {description['net']}"
            )
        with torch.random.fork_rng(devices=[]):
            net = build(description)
        net.load_state_dict(weights)
        about = json.loads(header["about"])
        if not all(isinstance(names, list) for names in about.get("subjects", {}).values()):
            raise TypeError(f"subjects {about['subjects']!r}")
        checkpoint = Checkpoint(net.eval(), header["split_hash"], header["data_hash"], about)
    except (AttributeError, KeyError, TypeError, ValueError, RuntimeError) as error:
        reason = " ".join(str(error).split())[:200]
        raise TrainingError(
            f"expected a whole header, weights that fit their configuration in {path}, got {reason}"
        ) from error
    return checkpoint
