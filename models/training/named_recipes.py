"""Recipes in files: three come with acq, and any can be copied and changed.

`acq` is what is trained with unless another is named, `paper` the reference paper to the letter,
`fast` a first look. A file is YAML and holds the fields of `Recipe`; a key that it leaves out is as
in `acq`, and one that there is not is refused.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, fields, is_dataclass, replace
from difflib import get_close_matches
from pathlib import Path
from typing import Any, Literal, get_args, get_origin, get_type_hints

from acquire.data_folder import name_kind
from acquire.documents import Kind, read_document
from acquire.errors import TrainingError
from models.distillation.config import DistillConfig

from .recipe import NOT_HOW, Recipe

RECIPES = Path(__file__).parent / "recipes"
NAMES = ("acq", "paper", "fast")
_NOT_IN_FILES = set(NOT_HOW) - {"seed"}
_SECTION = "distill"                # the key that has keys of its own
_FIX = "copy one that comes with acq, and change that"


def find_recipe(named: str) -> Path:
    """Return the file of a recipe that comes with acq, by its name, or a file of one's own.

    Raises
    ------
    TrainingError : there is neither
    """
    if named in NAMES:
        return RECIPES / f"{named}.yaml"
    if (path := Path(named)).is_file():
        return path
    near = get_close_matches(named.lower(), NAMES, n=1)
    raise TrainingError(
        expected=f"one of the recipes {', '.join(NAMES)}, or a file",
        found=f"{named!r}, {kind}" if (kind := name_kind(path)) != "nothing" else repr(named),
        fix=f"did you mean {near[0]}?" if near else _FIX,
    )


def read_recipe(named: str) -> Recipe:
    """Read a recipe that comes with acq, by its name, or a file; it has the file's name.

    Raises
    ------
    TrainingError : there is none, or it is not as it should be: a key that no recipe has, a value
        of another kind or out of its bounds, values that do not go together
    """
    path = find_recipe(named)
    recipe = replace(read_document(_KIND, path), name=path.stem)
    check_recipe(recipe, path)
    return recipe


def write_recipe(named: str, changes: Mapping[str, Any]) -> str:
    """Return a recipe as the text of a file: one that comes with acq as it stands, if unchanged.

    Any other is read as for training, and has every key, also those that its file leaves out.

    Parameters
    ----------
    changes : values by key that replace its own; what no file holds is left out

    Raises
    ------
    TrainingError : as `read_recipe`
    """
    import yaml

    recipe = read_recipe(named)
    changed = replace(recipe, **changes)
    if named in NAMES and changed.sha256 == recipe.sha256:
        return find_recipe(named).read_text()
    body = {key: value for key, value in asdict(changed).items() if key not in _NOT_IN_FILES}
    return yaml.safe_dump(body, sort_keys=False)


def check_recipe(recipe: Recipe, where: Path | str) -> None:
    """Refuse values that do not go together.

    Raises
    ------
    TrainingError : changes within a clip, or the pulse's shape over it, with clips of one pair;
        nothing that the teacher teaches
    """
    if not (distill := recipe.distill).teaches:
        names = ("kd", "levels", "weight_middle", "weight_last", "weight_pulse")
        raise TrainingError(
            expected="something that a student learns from its teacher",
            found="under distill: " + ", ".join(
                f"{name}: {value:g}" if isinstance(value := getattr(distill, name), float)
                else f"{name}: {value}" for name in names
            ),
            where=where, fix="give a weight above 0 to its answer (weight_pulse) or to maps",
        )
    for is_asked, called in (
        (recipe.distill.kd != "none" and recipe.distill.changes, "distill.changes: true"),
        (recipe.shape_weight > 0, f"shape_weight: {recipe.shape_weight:g}"),
    ):
        if is_asked and recipe.clip == 1:
            raise TrainingError(
                expected=f"clips of 2 at least, for {called}", found="clip: 1", where=where,
                fix="longer clips, or without it",
            )


def flatten_recipe(recipe: Mapping[str, Any]) -> dict[str, Any]:
    """Return a recipe's values by the path of their keys, such as `distill.norm`."""
    flat: dict[str, Any] = {}
    for key, value in recipe.items():
        if isinstance(value, Mapping):
            flat |= {f"{key}.{name}": inner for name, inner in value.items()}
        elif key not in (*NOT_HOW, "sha256"):
            flat[key] = value
    return flat


def differences(recipe: Recipe, named: str) -> list[dict[str, Any]]:
    """List where a recipe is not as one that comes with acq: `key`, `here` and `there`."""
    here, there = (flatten_recipe(asdict(one)) for one in (recipe, read_recipe(named)))
    return [
        {"key": key, "here": value, "there": there[key]}
        for key, value in here.items() if value != there[key]
    ]


def _check_keys(body: Any) -> Any:
    """Refuse a key that no recipe has, and a word that is none of a key's."""
    if not isinstance(body, dict):
        raise ValueError("no keys with values")
    for key in body:
        section, dot, name = str(key).partition(".")
        if section == _SECTION and dot:
            near = _nearest(name, _keys_of(DistillConfig))
            raise ValueError(f"the key {key} with a dot; put {near}: under {_SECTION}:")
    _refuse_unknown(body, Recipe, DistillConfig)
    _refuse_other_words(body, Recipe, "")
    if isinstance(body.get(_SECTION), dict):
        _refuse_unknown(body[_SECTION], DistillConfig, Recipe, place=f" under {_SECTION}:")
        _refuse_other_words(body[_SECTION], DistillConfig, f"{_SECTION}.")
    return body


def _refuse_unknown(body: dict[Any, Any], of: type, other: type, *, place: str = "") -> None:
    """Refuse a key that does not belong here; `other` has those of the file's other part."""
    known = _keys_of(of)
    for key in body:
        if key in known:
            continue
        if key == "name":
            raise ValueError(f"the key name{place}; a recipe has the name of its file")
        if key in _NOT_IN_FILES:
            raise ValueError(f"the key {key}{place}, which is chosen with each training")
        if key in _keys_of(other):
            right = f"put it under {_SECTION}:" if of is Recipe else "put it at the top"
            raise ValueError(f"the key {key}{place or ' at the top'}; {right}")
        near = get_close_matches(str(key), known, n=1)
        raise ValueError(
            f"the key {key}{place}, which no recipe has" + (f"; near is {near[0]}" if near else "")
        )


def _keys_of(of: type) -> list[str]:
    assert is_dataclass(of)
    return [
        field.name for field in fields(of) if of is not Recipe or field.name not in _NOT_IN_FILES
    ]


def _nearest(name: str, known: Sequence[str]) -> str:
    return get_close_matches(name, known, n=1, cutoff=0)[0]


def _refuse_other_words(body: dict[Any, Any], of: type, before: str) -> None:
    for key, kind in get_type_hints(of).items():
        words = get_args(kind) if get_origin(kind) is Literal else ()
        if words and key in body and body[key] not in words:
            raise ValueError(f"{before}{key}: {body[key]!r}, which is none of {', '.join(words)}")


_KIND = Kind(Recipe, "a recipe", TrainingError, _FIX, is_yaml=True, prepare=_check_keys)
