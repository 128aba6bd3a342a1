"""A section of the report: a macro of a template, filled with what a module here computed."""

from pathlib import Path
from typing import TYPE_CHECKING

from dataset.common.pages import render_macro

if TYPE_CHECKING:
    from markupsafe import Markup

TEMPLATES = Path(__file__).with_name("templates")


def section(module: str, name: str, **values: object) -> "Markup":
    """Return the section `name` of the template that is called as its module."""
    return render_macro(TEMPLATES / f"{module}.html.j2", name, **values)
