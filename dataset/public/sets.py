"""The public sets that can be imported, and which of them lies under a folder."""

from pathlib import Path

from acquire.errors import CurationError, Fix

from .folders import MOST_NESTED, UNPACK, describe_places, list_places
from .public_set import PublicSet
from .readers import cohface, ibvp, lgi_ppgi, mmpd, pure, scamps, ubfc_phys, ubfc_rppg

_MOST_LOOKED_AT = 50     # folders of one depth, in search of a set

SETS: dict[str, PublicSet] = {
    "ubfc1": ubfc_rppg.DATASET_1,
    "ubfc2": ubfc_rppg.DATASET_2,
    "pure": pure.PURE,
    "ubfc-phys": ubfc_phys.UBFC_PHYS,
    "mmpd": mmpd.MMPD,
    "ibvp": ibvp.IBVP,
    "cohface": cohface.COHFACE,
    "lgi-ppgi": lgi_ppgi.LGI_PPGI,
    "scamps": scamps.SCAMPS,
}


def find_set(root: Path) -> str:
    """Find which set lies under `root`, by its folders and what they hold: a key of `SETS`.

    Raises
    ------
    CurationError : it is no folder, or its folders are of no set or of several
    """
    keys = _sets_in(root)
    if not keys and (elsewhere := _where_else(root)):
        raise CurationError(
            expected="folders of one set", found=describe_places(root), where=root, fix=elsewhere,
        )
    if len(keys) != 1:
        several = f": both {' and '.join(keys)}" if keys else ""
        known = ", ".join(f"{known.folder_text} ({key})" for key, known in SETS.items())
        raise CurationError(
            expected=f"folders of one set, {known}", found=describe_places(root) + several,
            where=root, fix=Fix.CHOOSE_SET,
        )
    return keys[0]


def check_set(root: Path, key: str) -> None:
    """Check that a set's folders lie under `root`, by their names.

    Raises
    ------
    CurationError : it is no folder, or holds none of them
    """
    public_set = SETS[key]
    places = list_places(root, suffix=public_set.suffix)
    if not any(public_set.folder.fullmatch(place.path.name) for place in places):
        raise CurationError(
            expected=f"folders {public_set.folder_text} of {public_set.title}",
            found=describe_places(root), where=root, fix=_where_else(root) or Fix.CHOOSE_SET,
        )


def _sets_in(root: Path) -> list[str]:
    """Return which sets have folders under `root`, as keys of `SETS`."""
    return [key for key, public_set in SETS.items() if holds(public_set, root)]


def holds(public_set: PublicSet, root: Path) -> bool:
    """Return whether recordings of a set lie right under a folder."""
    return any(
        _is_of(public_set, place.path) for place in list_places(root, public_set.suffix)
        if not place.defect
    )


def _is_of(public_set: PublicSet, path: Path) -> bool:
    """Return whether what lies at a path is of a set, by its name and by what it holds."""
    match = public_set.folder.fullmatch(path.name)
    return match is not None and bool(public_set.find(path, match[1]))


def _where_else(root: Path) -> str:
    """Return the advice to name another folder, which holds a set, or to unpack; or ""."""
    places, level = list_places(root), [root]
    if any(_is_of(public_set, root) for public_set in SETS.values()):
        return f"name {root.absolute().parent}, which holds it"
    for _ in range(MOST_NESTED):
        level = [
            place.path for folder in level for place in list_places(folder) if not place.defect
        ][:_MOST_LOOKED_AT]
        holding = [path for path in level if _sets_in(path)]
        if len(holding) == 1:
            return f"name {holding[0]}, which holds them"
        if holding:
            return f"name one of those that hold them, such as {holding[-1]}"
    return UNPACK if any(place.fix == UNPACK for place in places) else ""
