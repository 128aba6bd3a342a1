"""Trained weights and their origin, as safetensors: loading a file never runs code from it.

The header carries the network's kind and configuration, the hashes of split and data, the recipe
and the version, so that a file alone is enough to rebuild the network, and to refuse it where it
does not belong.
"""

import json
from dataclasses import dataclass
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save

from acquire.atomic import atomic_file
from acquire.errors import Fix, TrainingError

from .can import NETS, Net, build_net, describe_net

FORMAT = "acq-checkpoint-1"
_LONGEST_REASON = 200       # characters of torch's own words


@dataclass(frozen=True)
class Checkpoint:
    """A network read from a file, and its origin."""

    net: Net
    split_hash: str
    data_hash: str
    about: dict       # the recipe, the seed, versions, the subjects of each side


def save_checkpoint(path: Path, net: Net, *, split_hash: str, data_hash: str, about: dict) -> None:
    """Write a network; the file appears whole or not at all."""
    header = {
        "format": FORMAT, **{key: json.dumps(value) for key, value in describe_net(net).items()},
        "split_hash": split_hash, "data_hash": data_hash, "about": json.dumps(about),
    }
    tensors = {
        name: tensor.detach().cpu().contiguous() for name, tensor in net.state_dict().items()
    }
    with atomic_file(path) as part:
        part.write_bytes(save(tensors, metadata=header))


def load_checkpoint(
    path: Path, *, split_hash: str | None = None, data_hash: str | None = None
) -> Checkpoint:
    """Read a network, in evaluation mode on the CPU.

    Parameters
    ----------
    split_hash, data_hash : where given, those that the network must have been trained on

    Raises
    ------
    TrainingError : the file is missing or not a checkpoint, its weights do not fit its
        configuration, or it was trained on another split or other data
    """
    header, weights = read_tensors(path, called="a checkpoint", file_format=FORMAT)
    for name, wanted in (("split_hash", split_hash), ("data_hash", data_hash)):
        if wanted is not None and header.get(name) != wanted:
            raise TrainingError(
                expected=f"{name} {wanted}", found=header.get(name), where=path,
                fix="use a checkpoint of a run on this data",
            )
    try:
        description = {"net": json.loads(header["net"]), "config": json.loads(header["config"])}
        if description["net"] not in NETS:
            raise TrainingError(
                expected=f"one of {', '.join(NETS)}", found=description["net"], where=path,
                fix=Fix.TRAIN_AGAIN,
            )
        with torch.random.fork_rng(devices=[]):
            net = build_net(description)
        net.load_state_dict(weights)
        about = json.loads(header["about"])
        if not all(isinstance(names, list) for names in about.get("subjects", {}).values()):
            raise TypeError(f"subjects {about['subjects']!r}")
        return Checkpoint(net.eval(), header["split_hash"], header["data_hash"], about)
    except (AttributeError, KeyError, TypeError, ValueError, RuntimeError) as error:
        raise TrainingError(
            expected="a whole header and weights that fit their configuration",
            found=shorten_reason(error), where=path, fix=Fix.TRAIN_AGAIN,
        ) from error


def read_tensors(
    path: Path, *, called: str, file_format: str, fix: Fix | str = Fix.TRAIN_AGAIN
) -> tuple[dict[str, str], dict[str, torch.Tensor]]:
    """Read the header and all tensors of a safetensors file of one format of ours.

    Raises
    ------
    TrainingError : it cannot be read, or is of another format
    """
    try:
        with safe_open(str(path), framework="pt") as file:
            header = file.metadata() or {}
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 (not a dict)
    except (SafetensorError, OSError) as error:
        raise TrainingError(expected=called, found=error, where=path, fix=fix) from error
    if header.get("format") != file_format:
        raise TrainingError(
            expected=f"{called} of the format {file_format}",
            found=header.get("format", "a file without a format"), where=path, fix=fix,
        )
    return header, tensors


def shorten_reason(error: Exception) -> str:
    """Return torch's words on one line, cut where they list every weight."""
    return " ".join(str(error).split())[:_LONGEST_REASON]
