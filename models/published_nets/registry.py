"""The networks of other papers by name: those that come with acq, and those of other packages.

A package of one's own adds a network by an entry point of the group `acq.networks`, whose object
is a `NetSpec`:

    [project.entry-points."acq.networks"]
    mynet = "my_package.mynet:SPEC"

It is loaded when it is asked for by its name: a package that is broken harms nobody who does not.
"""

from importlib.metadata import EntryPoint

from acquire.errors import TrainingError

from .attention import deepphys, efficientphys, nowara, tscan
from .clips import metarppg, physformer, physnet, pulsegan, rppgnet
from .rates import bousefsaf, synrhythm
from .spec import NetSpec
from .titles import GROUP, entries, titles

OWN = {
    module.SPEC.name: module.SPEC
    for module in (
        deepphys, tscan, efficientphys, nowara, physnet, rppgnet, physformer, metarppg, pulsegan,
        synrhythm, bousefsaf,
    )
}


loaded = dict(OWN)      # by name: those of acq, and those of other packages that were asked for


def find_network(name: str) -> NetSpec | None:
    """Return a network by its name; one of another package is loaded now, and no other is.

    Returns
    -------
    None where there is none of this name

    Raises
    ------
    TrainingError : its entry point is no `NetSpec`, or has a name that another network has
    """
    found = [entry for entry in entries() if entry.name == name]
    is_taken = name in OWN or len(found) > 1
    if found and is_taken:
        raise TrainingError(
            expected=f"one network of the name {name}", found="another", where=_where(found[-1]),
            fix="uninstall the package that has it",
        )
    if name not in loaded and found:
        loaded[name] = _load(found[0])
    return loaded.get(name)


def networks() -> dict[str, NetSpec]:
    """Load all networks, those of other packages last; return them by name.

    Raises
    ------
    TrainingError : as `find_network`, of any of them
    """
    found = {name: find_network(name) for name in titles()}
    return {name: spec for name, spec in found.items() if spec is not None}


def _load(entry: EntryPoint) -> NetSpec:
    fix = "mend or uninstall the package that has it, or leave that network out"
    try:
        spec = entry.load()
    except Exception as error:
        raise TrainingError(
            expected="a network", found=error, where=_where(entry), fix=fix
        ) from error
    if not isinstance(spec, NetSpec) or spec.name != entry.name:
        raise TrainingError(
            expected="a NetSpec with the entry's name",
            found=spec.name if isinstance(spec, NetSpec) else type(spec).__name__,
            where=_where(entry), fix=fix,
        )
    return spec


def _where(entry: EntryPoint) -> str:
    return f"in the entry point {entry.name} = {entry.value} of {GROUP}"
