"""Help in which a switch has no value: typer shows one, `<bool>`, that no switch takes.

A switch without a default is made one that is off: typer would load pydantic, which takes a third
of the time of `acq VERB --help`, to check that it is not set.
"""

from typing import Any

from typer.core import TyperCommand, TyperGroup


class Command(TyperCommand):
    """A verb."""

    def get_params(self, ctx: Any) -> list[Any]:
        """Return arguments and options, as typer does."""
        return _without_values(super().get_params(ctx))


class Group(TyperGroup):
    """`acq` itself, or a verb that has verbs."""

    def get_params(self, ctx: Any) -> list[Any]:
        """Return arguments and options, as typer does."""
        return _without_values(super().get_params(ctx))


def _without_values(parameters: list[Any]) -> list[Any]:
    for parameter in parameters:
        if getattr(parameter, "is_flag", False) and parameter.metavar is None:
            parameter.metavar = ""
        if getattr(parameter, "is_bool_flag", False) and parameter.default is None:
            parameter.default = False
    return parameters
