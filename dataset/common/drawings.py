"""Drawings by matplotlib in a page: SVG that follows the page's light or dark colours, or PNG.

This is the one place where markup that no template made becomes `Markup`: the SVG that matplotlib
writes, parsed and written again, so that every name in it is escaped.
"""

import base64
import hashlib
import io
import re
from contextlib import AbstractContextManager
from dataclasses import dataclass
from xml.etree import ElementTree

import matplotlib
import numpy as np
from matplotlib import image
from matplotlib.figure import Figure

from .pages import PALETTE

AXIS, BLUE, INK, ORANGE, SOFT, TEAL, VIOLET = (
    PALETTE[name][0] for name in ("axis", "blue", "ink", "orange", "soft", "teal", "violet")
)
_HREF = "{http://www.w3.org/1999/xlink}href"
_DIGITS = re.compile(r"(?<=\.\d\d)\d+")    # a hundredth of a point is finer than any screen


@dataclass(frozen=True)
class Drawing:
    """One drawing, as SVG or as PNG; the template `blocks.html.j2` makes an element of it."""

    alt: str                   # what it shows, for those who do not see it
    svg: str = ""              # `Markup`
    png: str = ""              # in base64


def drawing_style() -> AbstractContextManager[None]:
    """Return the context in which figures are drawn: colours, fonts, spines."""
    return matplotlib.rc_context(
        {
            "font.size": 9,
            "font.family": "DejaVu Sans",
            "axes.spines.top": False,
            "axes.spines.right": False,
            "axes.edgecolor": AXIS,
            "axes.grid": True,
            "axes.formatter.useoffset": False,   # an axis shows its numbers, not "+4e1"
            "axes.formatter.limits": (-5, 6),
            "grid.color": PALETTE["grid"][0],
            "axes.axisbelow": True,
            "text.color": INK,
            "axes.labelcolor": INK,
            "xtick.color": INK,
            "ytick.color": INK,
            "text.parse_math": False,  # a dollar sign in a name is no formula
            "svg.fonttype": "path",
            "svg.hashsalt": "acq",
            "legend.frameon": False,
            "axes.titlesize": 9.5,
            "axes.titlelocation": "left",
        }
    )


def as_svg(figure: Figure, *, alt: str) -> Drawing:
    """Return a figure as SVG, without addresses and with ids that no other drawing has."""
    from markupsafe import Markup

    buffer = io.BytesIO()
    nothing = dict.fromkeys(("Creator", "Date", "Format", "Type"))
    figure.savefig(buffer, format="svg", transparent=True, metadata=nothing)
    root = ElementTree.fromstring(buffer.getvalue())
    root.attrib |= {"role": "img", "aria-label": alt}
    for element in root.iter():    # SVG inside HTML needs no namespaces, which are addresses
        element.tag = element.tag.rpartition("}")[2]
        if _HREF in element.attrib:
            element.set("href", element.attrib.pop(_HREF))
        if "d" in element.attrib:
            element.set("d", _DIGITS.sub("", element.attrib["d"]))
    svg = ElementTree.tostring(root, encoding="unicode")
    own = "f" + hashlib.sha256(svg.encode()).hexdigest()[:8] + "-"
    for start in (' id="', ' href="#', "url(#"):
        svg = svg.replace(start, start + own)
    for name, (light, _) in PALETTE.items():
        svg = svg.replace(f": {light}", f": var(--{name})")
    return Drawing(alt, svg=Markup(svg))


def as_png(figure: Figure, *, alt: str) -> Drawing:
    """Return a figure that is made of pixels as PNG."""
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=130)
    return Drawing(alt, png=_base64(buffer))


def picture_as_png(picture: np.ndarray, *, alt: str) -> Drawing:
    """Return a picture, (H, W, 3) uint8 RGB, as PNG."""
    buffer = io.BytesIO()
    image.imsave(buffer, picture, format="png")
    return Drawing(alt, png=_base64(buffer))


def _base64(buffer: io.BytesIO) -> str:
    return base64.b64encode(buffer.getvalue()).decode()
