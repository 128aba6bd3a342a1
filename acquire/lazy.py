"""The public names of a room, each loaded from its module when it is first asked for (PEP 562)."""

from collections.abc import Callable
from importlib import import_module
from typing import Any


def public_names(
    room: str, modules: dict[str, str]
) -> tuple[Callable[[str], Any], Callable[[], list[str]]]:
    """Return the `__getattr__` and `__dir__` of a package.

    Parameters
    ----------
    room : the package's name
    modules : public name -> "module" that defines it, or "module:name" under another name
    """

    def get(name: str) -> Any:
        if name not in modules:
            raise AttributeError(f"module {room!r} has no attribute {name!r}")
        module, _, other = modules[name].partition(":")
        return getattr(import_module(module), other or name)

    return get, lambda: sorted(modules)
