"""The settings of an interrupted run as options of `acq train-kd`: its file knows no option."""

import shlex
from pathlib import Path
from typing import Any

from acquire.errors import ResumeError

# By its path in run.json: the option, and the default, which needs no option. A test holds them
# against the recipe, whose module would load torch.
OPTIONS: dict[str, tuple[str, Any]] = {
    "folds": ("--folds", None), "seeds": ("--seeds", 1),
    "recipe.epochs": ("--epochs", 12), "recipe.teacher_epochs": ("--teacher-epochs", 12),
    "recipe.seed": ("--seed", 0), "recipe.distill.kd": ("--kd", "tat"),
    "recipe.distill.softmax": ("--tat", "code"), "recipe.distill.levels": ("--levels", "both"),
    "recipe.distill.weight_pulse": ("--soft-weight", 3.0),
    "recipe.shape_weight": ("--shape-weight", 0.0), "recipe.clip": ("--clip", 8),
    "recipe.pretrain_epochs": ("--pretrain-epochs", 0),
    "recipe.shift": ("--no-augmentation", 3), "recipe.physnet": ("--physnet", False),
    "recipe.init": ("--init", None),
}
_FOLLOWS = "recipe.batch_clips"              # from --clip, which is named
_INIT = "init_sha256"
_HASHES = {"data_hash": "data", "split_hash": "split", _INIT: "the teacher to start from,"}
_HASH = 8                                    # characters of a hash that are shown


def resume_command(begun_with: dict[str, Any], data: Path) -> str:
    """Return the command that goes on with a run, from what it was begun with."""
    words = ["acq train-kd --resume"]
    for path, (_, default) in OPTIONS.items():
        value: Any = begun_with
        for key in path.split("."):
            value = value.get(key, default) if isinstance(value, dict) else default
        if value != default:
            words.append(_option(path, value))
    if data != Path("data"):
        words.append(f"--data {shlex.quote(str(data))}")
    return " ".join(words)


def word_resume(error: ResumeError) -> str:
    """Return in one line what differs from the interrupted run, and what goes on with it."""
    settings = {path: pair for path, pair in error.differences.items() if path not in _HASHES}
    if OPTIONS.keys() & settings.keys():
        settings.pop(_FOLLOWS, None)
    hashes = {
        f"{_HASHES[path]} ": pair for path, pair in error.differences.items()
        if path in _HASHES and not (path == _INIT and "recipe.init" in settings)
    }
    before = [_option(path, pair[0]) for path, pair in settings.items()]
    now = [_option(path, pair[1]) for path, pair in settings.items()]
    facts = "expected {} as in the interrupted run {}, found {}".format(
        ", ".join(before + [f"{name}{_short(pair[0])}" for name, pair in hashes.items()]),
        error.of,
        ", ".join(now + [f"{name}{_short(pair[1])}" for name, pair in hashes.items()]),
    )
    ways = ["give the options as it was begun with"] * bool(settings)
    if error.differences.keys() & {"data_hash", "split_hash"}:
        ways.append("bring back the split.json and the curated folders that it was begun with")
    if _INIT in error.differences and not settings:
        ways.append("bring back the file that --init named then")
    return f"{facts}; {' and '.join(ways)}, or remove it: acq runs --remove {error.of}"


def _short(hashed: str | None) -> str:
    """Return the beginning of a hash; None where nothing was hashed."""
    return "none" if hashed is None else hashed[:_HASH]


def _option(path: str, value: Any) -> str:
    """Return a setting as its option, or by its name where it has none."""
    option, default = OPTIONS.get(path, (path.rpartition(".")[2], None))
    if option in ("--no-augmentation", "--physnet"):
        is_given = value != default
        return option if is_given else f"no {option}"
    if value is None:
        return f"no {option}"
    words = shlex.quote(value) if isinstance(value, str) else f"{value:g}"
    return f"{option} {words}"
