"""The settings of an interrupted run as options of `acq train-kd`: its file knows no option.

Its recipe needs none: `--resume` takes it from the run.
"""

import json
import shlex
from pathlib import Path
from typing import Any

from acquire.errors import ResumeError

# by its path in run.json: the option, and the default, which needs no option
OPTIONS: dict[str, tuple[str, Any]] = {"folds": ("--folds", None), "seeds": ("--seeds", 1)}
_READ_FROM = {"sessions": "--from sessions", "published": "--ubfc FOLDER"}
_RECIPE = "recipe."
_INIT = "init_sha256"
_HASHES = {"data_hash": "data", "split_hash": "split", _INIT: "the teacher to start from,"}
_HASH = 8                                    # characters of a hash that are shown


def resume_command(begun_with: dict[str, Any], data: Path) -> str:
    """Return the command that goes on with a run, from what it was begun with."""
    words = ["acq train-kd --resume"]
    for path, (option, default) in OPTIONS.items():
        if (value := begun_with.get(path, default)) != default:
            words.append(f"{option} {value}")
    if (read_from := _READ_FROM.get(begun_with.get("read_from", ""))) is not None:
        words.append(read_from)
    if data != Path("data"):
        words.append(f"--data {shlex.quote(str(data))}")
    return " ".join(words)


def word_resume(error: ResumeError) -> str:
    """Return in one line what differs from the interrupted run, and what goes on with it."""
    settings = {path: pair for path, pair in error.differences.items() if path not in _HASHES}
    hashes = {
        f"{_HASHES[path]} ": pair for path, pair in error.differences.items()
        if path in _HASHES and not (path == _INIT and "recipe.init" in settings)
    }
    before = [_setting(path, pair[0]) for path, pair in settings.items()]
    now = [_setting(path, pair[1]) for path, pair in settings.items()]
    facts = "expected {} as in the interrupted run {}, found {}".format(
        ", ".join(before + [f"{name}{_short(pair[0])}" for name, pair in hashes.items()]),
        error.of,
        ", ".join(now + [f"{name}{_short(pair[1])}" for name, pair in hashes.items()]),
    )
    ways = []
    if any(path in OPTIONS for path in settings):
        ways.append("give the options as it was begun with")
    if any(path.startswith(_RECIPE) for path in settings):
        ways.append("leave the recipe out, which --resume takes from the run")
    if error.differences.keys() & {"data_hash", "split_hash"}:
        ways.append("bring back the split.json and the curated folders that it was begun with")
    if _INIT in error.differences and not settings:
        ways.append("bring back the file that --init named then")
    return f"{facts}; {' and '.join(ways)}, or remove it: acq runs --remove {shlex.quote(error.of)}"


def _short(hashed: str | None) -> str:
    """Return the beginning of a hash; None where nothing was hashed."""
    return "none" if hashed is None else hashed[:_HASH]


def _setting(path: str, value: Any) -> str:
    """Return a setting as its option, or as its key of the recipe."""
    if path in OPTIONS:
        option = OPTIONS[path][0]
        return f"no {option}" if value is None else f"{option} {value}"
    key = path.removeprefix(_RECIPE)
    if key == "init":
        return "no --init" if value is None else f"--init {shlex.quote(str(value))}"
    if key == "also":
        return f"--also {','.join(value)}" if value else "no --also"
    return f"{key}: {value if isinstance(value, str) else json.dumps(value)}"
