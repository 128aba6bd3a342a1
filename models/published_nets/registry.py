"""The networks of other papers by name: those that come with acq, and those of other packages.

A package of one's own adds a network by an entry point of the group `acq.networks`, whose object
is a `NetSpec`:

    [project.entry-points."acq.networks"]
    mynet = "my_package.mynet:SPEC"
"""

from functools import cache
from importlib.metadata import entry_points

from acquire.errors import TrainingError

from .attention import deepphys, efficientphys, nowara, tscan
from .clips import metarppg, physformer, physnet, pulsegan, rppgnet
from .rates import bousefsaf, synrhythm
from .spec import NetSpec
from .titles import GROUP

OWN = {
    module.SPEC.name: module.SPEC
    for module in (
        deepphys, tscan, efficientphys, nowara, physnet, rppgnet, physformer, metarppg, pulsegan,
        synrhythm, bousefsaf,
    )
}


@cache
def networks() -> dict[str, NetSpec]:
    """Return all networks by name, those of other packages last.

    Raises
    ------
    TrainingError : an entry point that is no `NetSpec`, or has a name that is taken
    """
    found = dict(OWN)
    for entry in sorted(entry_points(group=GROUP), key=lambda entry: entry.name):
        where = f"in the entry point {entry.name} = {entry.value} of {GROUP}"
        try:
            spec = entry.load()
        except Exception as error:
            raise TrainingError(
                expected="a network", found=error, where=where,
                fix="mend or uninstall the package that has it",
            ) from error
        if not isinstance(spec, NetSpec) or spec.name in found or spec.name != entry.name:
            raise TrainingError(
                expected="a NetSpec with the entry's name, which no other network has",
                found=spec.name if isinstance(spec, NetSpec) else type(spec).__name__,
                where=where, fix="mend or uninstall the package that has it",
            )
        found[spec.name] = spec
    return found
