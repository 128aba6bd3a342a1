"""Help in which a switch has no value: typer shows one, `<bool>`, that no switch takes."""

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
    return parameters
