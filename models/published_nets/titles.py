"""The titles of all networks here, found without torch: tables of runs are shown on boards too."""

from collections.abc import Iterator, Mapping
from functools import cache
from importlib.metadata import EntryPoint, entry_points

CAN = "can"                 # the paper's own teacher, which no registry has
GROUP = "acq.networks"      # of entry points, by which other packages add networks

RESERVED = ("all", CAN, "teacher", "student", "student_kd")

OWN_TITLES = {
    "deepphys": "DeepPhys", "tscan": "TS-CAN", "efficientphys": "EfficientPhys",
    "nowara": "inverse attention (Nowara)", "physnet": "PhysNet", "rppgnet": "rPPGNet",
    "physformer": "PhysFormer", "metarppg": "Meta-rPPG", "pulsegan": "PulseGAN",
    "synrhythm": "SynRhythm", "bousefsaf": "3D CNN (Bousefsaf)",
}


@cache
def entries() -> tuple[EntryPoint, ...]:
    """Return the entry points of other packages, sorted by name and not loaded.

    Those with a name that means something else in every run are passed over.
    """
    found = (entry for entry in entry_points(group=GROUP) if entry.name not in RESERVED)
    return tuple(sorted(found, key=lambda entry: entry.name))


def of_other_packages() -> dict[str, EntryPoint]:
    """Return the networks of other packages by name, not loaded."""
    return {entry.name: entry for entry in entries() if entry.name not in OWN_TITLES}


class Titles(Mapping[str, str]):
    """Titles by name: those of all networks, with others before and after them.

    A network of another package, and with it torch, is loaded when its title is asked for, and not
    before.
    """

    def __init__(
        self, before: Mapping[str, str] | None = None, after: Mapping[str, str] | None = None
    ) -> None:
        self._before, self._after = before or {}, after or {}

    def __getitem__(self, name: str) -> str:
        """Return a title; the network's name where its package cannot be loaded, as on a board."""
        known = {**self._before, **OWN_TITLES, **self._after}
        if name in known:
            return known[name]
        entry = of_other_packages()[name]
        try:
            return entry.load().title
        except Exception:       # a package may fail in any way; a table needs no more than a name
            return name

    def __contains__(self, name: object) -> bool:
        """Return whether there is one of a name; loads nothing."""
        return any(name == known for known in self)

    def __iter__(self) -> Iterator[str]:
        """Iterate over the names in the tables' order."""
        return iter([*self._before, *OWN_TITLES, *of_other_packages(), *self._after])

    def __len__(self) -> int:
        """Return how many there are."""
        return sum(1 for _ in self)


def titles() -> Titles:
    """Return the title of each network by name."""
    return Titles()
