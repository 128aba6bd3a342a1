"""Trained weights and their origin, as safetensors: loading a file never runs code from it.

The header carries the network's kind and configuration, the hashes of split and data, the recipe
and the version, so that a file alone is enough to rebuild the network, and to refuse it where it
does not belong.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, get_args

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save

from acquire.atomic import atomic_file
from acquire.data_folder import name_kind
from acquire.documents import parse_json
from acquire.errors import Fix, TrainingError, fix_of
from acquire.limits import LARGEST_NETWORK_BYTES, LARGEST_OUTPUT
from dataset.face.frames import Motion
from dataset.people import LearntFrom, read_learnt_from
from dataset.runs import check_of_run
from models.published_nets.spec import PublishedNet, check_reads

from .can import PAIRS_PER_MASK, SIZE, Net, Teacher, build_net, describe_net, find_kind

_HASH = 12                # characters of a hash that are shown
FORMAT = "acq-checkpoint-1"
_MOST_SHARED = 250          # pairs of frames that share masks: those of a batch
_LONGEST_REASON = 200       # characters of torch's own words


@dataclass(frozen=True)
class Checkpoint:
    """A network read from a file, and its origin."""

    net: Net
    split_hash: str
    data_hash: str
    about: dict       # the recipe, the seed, versions, the subjects of each side
    learnt_from: LearntFrom | None = None       # None: an earlier version did not say it

    @property
    def pairs_per_mask(self) -> int:
        """Pairs of frames that shared a teacher's masks in its training."""
        return self.about.get("recipe", {}).get("clip", PAIRS_PER_MASK)

    @property
    def motion(self) -> Motion:
        """What it reads of two adjacent frames."""
        return self.about.get("recipe", {}).get("motion", "normalised")


def save_checkpoint(path: Path, net: Net, *, split_hash: str, data_hash: str, about: dict) -> None:
    """Write a network; the file appears whole or not at all."""
    header = {
        "format": FORMAT, **{key: json.dumps(value) for key, value in describe_net(net).items()},
        "split_hash": split_hash, "data_hash": data_hash, "about": json.dumps(about),
    }
    tensors = {
        name: tensor.detach().cpu().contiguous() for name, tensor in net.state_dict().items()
    }
    write_tensors(path, tensors, header)


def write_tensors(
    path: Path, tensors: Mapping[str, torch.Tensor], header: Mapping[str, str]
) -> None:
    """Write a file of safetensors, whole or not at all: of the same content the same bytes.

    The library puts the keys of the header in an order that it draws anew each time.
    """
    whole = memoryview(save(dict(tensors), metadata=dict(header)))
    begin = 8 + int.from_bytes(whole[:8], "little")
    found = json.loads(bytes(whole[8:begin]))
    found["__metadata__"] = dict(sorted(found["__metadata__"].items()))
    text = json.dumps(found, ensure_ascii=False, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)                 # tensors begin at a multiple of 8
    with atomic_file(path) as part, part.open("wb") as file:
        for piece in (len(text).to_bytes(8, "little"), text, whole[begin:]):
            file.write(piece)


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
        configuration, it was trained on another split or other data, or it lies in a run that wrote
        another under its name
    """
    header, weights = read_tensors(path, called="a checkpoint", file_format=FORMAT)
    check_origin(header, path, split_hash=split_hash, data_hash=data_hash)
    try:
        description = {name: parse_json(header[name]) for name in ("net", "config")}
        if find_kind(description["net"]) is None:
            raise TrainingError(
                expected="a network that acq or an installed package has",
                found=description["net"], where=path, fix="install the package that has it",
            )
        net = _build(description, weights)
        about = parse_json(header["about"])
        if not all(isinstance(names, list) for names in about.get("subjects", {}).values()):
            raise TypeError(f"subjects {about['subjects']!r}")
        checkpoint = Checkpoint(
            net, header["split_hash"], header["data_hash"], about,
            read_learnt_from(about, path, data_hash=header["data_hash"]),
        )
        if type(shared := checkpoint.pairs_per_mask) is not int or not 1 <= shared <= _MOST_SHARED:
            raise TypeError(f"clip {shared!r}")
        if checkpoint.motion not in get_args(Motion):
            raise TypeError(f"motion {checkpoint.motion!r}")
        if not _gives_numbers(net):
            raise ValueError("weights that give no numbers, or huge ones")
    except (
        AttributeError, KeyError, OverflowError, RuntimeError, TypeError, ValueError
    ) as error:
        raise TrainingError(
            expected="a whole header and weights that fit their configuration",
            found=shorten_reason(error), where=path, fix=Fix.TRAIN_AGAIN,
        ) from error
    check_of_run(path)
    return checkpoint


def _build(description: dict[str, Any], weights: dict[str, torch.Tensor]) -> Net:
    """Build a network with these weights; its configuration may ask for no others.

    Raises
    ------
    RuntimeError, TypeError, ValueError : it does
    """
    with torch.device("meta"):                 # takes no memory
        expected = build_net(description).state_dict()
    if others := sorted(weights.keys() - expected.keys()):
        raise ValueError(f"{others[0]}, which it does not have")
    for name, tensor in expected.items():
        if name not in weights or weights[name].shape != tensor.shape:
            found = tuple(weights[name].shape) if name in weights else "none"
            raise ValueError(f"{name} of shape {found} instead of {tuple(tensor.shape)}")
    with torch.random.fork_rng(devices=[]):
        net = build_net(description)
    net.load_state_dict(weights)
    if isinstance(net, PublishedNet):
        check_reads(net.reads)
    return net.eval()


@torch.no_grad()
def _gives_numbers(net: Net) -> bool:
    """Return whether a network gives numbers of a pulse's size, for noise.

    A negative variance gives none, and weights that are none of a training give huge ones.
    """
    if isinstance(net, PublishedNet):          # a whole clip of some takes seconds
        variances = [tensor for name, tensor in net.named_buffers() if name.endswith("running_var")]
        return all(bool((variance >= 0).all()) for variance in variances)
    generator = torch.Generator().manual_seed(0)
    motion = torch.randn((2, 3, SIZE, SIZE), generator=generator)
    given = net(motion, motion.abs()) if isinstance(net, Teacher) else net(motion)
    return bool((given.pulse.abs() <= LARGEST_OUTPUT).all())


def check_origin(
    header: Mapping[str, Any], path: Path, *, split_hash: str | None = None,
    data_hash: str | None = None,
) -> None:
    """Refuse a network that was trained on another split or other data than those given.

    Raises
    ------
    TrainingError : it was
    """
    for name, called, wanted in (
        ("split_hash", "split", split_hash), ("data_hash", "curated data", data_hash),
    ):
        if wanted is not None and header.get(name) != wanted:
            raise TrainingError(
                expected=f"a network of this {called} ({wanted[:_HASH]})",
                found=f"one of another ({str(header.get(name))[:_HASH]})", where=path,
                fix=Fix.ALLOW_OTHER_DATA,
            )


def read_tensors(
    path: Path, *, called: str, file_format: str, fix: Fix | str = Fix.TRAIN_AGAIN
) -> tuple[dict[str, str], dict[str, torch.Tensor]]:
    """Read the header and all tensors of a safetensors file of one format of ours.

    Raises
    ------
    TrainingError : it cannot be read, is larger than any of ours, is of another format, or holds
        a number that is none
    """
    try:
        if not path.is_file():
            raise OSError(name_kind(path))
        if path.stat().st_size > LARGEST_NETWORK_BYTES:
            raise OSError(f"no file of at most {LARGEST_NETWORK_BYTES:,} bytes")
        path.open("rb").close()         # safe_open says of one that may not be read that it is none
        with safe_open(str(path), framework="pt") as file:
            header = file.metadata() or {}
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 (not a dict)
    except SafetensorError as error:
        raise TrainingError(
            expected=called, found="a file of another kind, or a damaged one", where=path, fix=fix
        ) from error
    except OSError as error:
        raise TrainingError(
            expected=called, found=error, where=path, fix=fix_of(error, fix)
        ) from error
    if header.get("format") != file_format:
        raise TrainingError(
            expected=f"{called} of the format {file_format}",
            found=header.get("format", "a file without a format"), where=path, fix=fix,
        )
    for name, tensor in tensors.items():
        if not torch.isfinite(tensor).all():
            raise TrainingError(
                expected=f"{called} of numbers", found=f"NaN or infinity in {name}", where=path,
                fix=fix,
            )
    return header, tensors


def shorten_reason(error: Exception) -> str:
    """Return torch's words on one line, cut where they list every weight; what lacks as such."""
    words = f"no {error.args[0]}" if isinstance(error, KeyError) else str(error)
    return " ".join(words.split())[:_LONGEST_REASON]
