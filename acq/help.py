"""Help in which a switch has no value: typer shows one, `<bool>`, that no switch takes.

A switch without a default is made one that is off: typer would load pydantic, which takes a third
of the time of `acq VERB --help`, to check that it is not set.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import typer
from typer.core import TyperCommand, TyperGroup


class Command(TyperCommand):
    """A verb."""

    def get_params(self, ctx: Any) -> list[Any]:
        """Return arguments and options, as typer does."""
        return _without_values(super().get_params(ctx))

    def format_help(self, ctx: Any, formatter: Any) -> None:
        """Print the help, as typer does."""
        with _whoever_reads():
            super().format_help(ctx, formatter)


class Group(TyperGroup):
    """`acq` itself, or a verb that has verbs."""

    def invoke(self, ctx: Any) -> Any:
        """Run the verb; a signal stays one: typer would return an exit code in its place."""
        try:
            return super().invoke(ctx)
        except KeyboardInterrupt as error:
            raise SystemExit(130) from error

    def get_params(self, ctx: Any) -> list[Any]:
        """Return arguments and options, as typer does."""
        return _without_values(super().get_params(ctx))

    def format_help(self, ctx: Any, formatter: Any) -> None:
        """Print the help, as typer does."""
        with _whoever_reads():
            super().format_help(ctx, formatter)


@contextmanager
def _whoever_reads() -> Iterator[None]:
    """Let a help whose reader has gone be none that failed: rich ends the process with 1."""
    try:
        yield
    except SystemExit:
        raise typer.Exit from None


def _without_values(parameters: list[Any]) -> list[Any]:
    for parameter in parameters:
        if getattr(parameter, "is_flag", False) and parameter.metavar is None:
            parameter.metavar = ""
        if getattr(parameter, "is_bool_flag", False) and parameter.default is None:
            parameter.default = False
    return parameters
