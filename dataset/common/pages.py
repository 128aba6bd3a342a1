"""HTML pages that open offline: one file that holds its style, script and drawings.

Python computes values, templates (`*.html.j2`) hold all markup, and Jinja2 escapes every value that
is put into one. Two things enter a page unescaped: what `render` returned, so that a page can be
made of parts, and the SVG of `dataset.common.drawings`. A template extends `page.html.j2` or
imports from `blocks.html.j2`, both in `templates` here; a wing keeps its own in its `templates`.
"""

from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from .wording import clock_time, counted, milliseconds, number

if TYPE_CHECKING:
    from jinja2 import Environment
    from markupsafe import Markup

# Name: light, dark. Text is in ink, soft, teal or red: contrast of 4.5 or more on paper, tint, pale
# and warn. A page holds each as a CSS variable; matplotlib draws in the light ones.
PALETTE = {
    "paper": ("#ffffff", "#12181d"),
    "ink": ("#1d2730", "#e6ebef"),
    "soft": ("#5c6a75", "#a3b0ba"),
    "line": ("#dde3e8", "#35414b"),
    "tint": ("#f5f7f9", "#1b242b"),
    "axis": ("#828c94", "#73808a"),
    "grid": ("#e8ecef", "#28323a"),
    "teal": ("#147771", "#46bdb2"),
    "orange": ("#d1782f", "#ee9f5d"),
    "violet": ("#7a5fb5", "#ab92e6"),
    "blue": ("#2f6db3", "#7fb2ea"),
    "red": ("#b3261e", "#f2857d"),
    "pale": ("#e9f5f3", "#15332f"),
    "warn": ("#fff4dc", "#362c12"),
    "warnline": ("#ecd49a", "#6b5722"),
}
_SHARED = Path(__file__).with_name("templates")


def render_page(template: Path, **values: object) -> "Markup":
    """Return a page, or a part of one, made from a template; every value is escaped."""
    from markupsafe import Markup

    return Markup(_environment(template.parent).get_template(template.name).render(values))


def render_macro(template: Path, macro: str, **values: object) -> "Markup":
    """Return a part of a page, made by a macro of a template; every value is escaped."""
    module = _environment(template.parent).get_template(template.name).module
    return getattr(module, macro)(**values).strip()


@cache
def _environment(folder: Path) -> "Environment":
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    environment = Environment(
        loader=FileSystemLoader([folder, _SHARED]), autoescape=True, undefined=StrictUndefined,
        trim_blocks=True, lstrip_blocks=True,
    )
    environment.filters |= {
        "number": number, "clock_time": clock_time, "counted": counted,
        "milliseconds": milliseconds,
    }
    environment.globals["palette"] = PALETTE
    return environment
