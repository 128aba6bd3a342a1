"""A page that opens offline: one HTML file with its style and its drawings inside, in light and in
dark.

matplotlib draws in the light colours of `PALETTE`; in the page each becomes a CSS variable, so that
one drawing serves both. What comes from a file goes through `text` before it is part of a page.
"""

import base64
import html
import io
import re
from collections.abc import Sequence
from contextlib import AbstractContextManager

import matplotlib
import numpy as np
from matplotlib.figure import Figure

# name: light, dark; words are in ink, soft, teal or red: contrast of 4.5 or more on paper
PALETTE = {
    "paper": ("#ffffff", "#12181d"),
    "ink": ("#1d2730", "#e6ebef"),
    "soft": ("#5c6a75", "#a3b0ba"),
    "line": ("#dde3e8", "#35414b"),
    "tint": ("#f5f7f9", "#1b242b"),
    "axis": ("#8a949c", "#73808a"),
    "grid": ("#e8ecef", "#28323a"),
    "teal": ("#17817b", "#46bdb2"),
    "orange": ("#d1782f", "#ee9f5d"),
    "violet": ("#7a5fb5", "#ab92e6"),
    "blue": ("#2f6db3", "#7fb2ea"),
    "red": ("#b3261e", "#f2857d"),
    "pale": ("#e9f5f3", "#15332f"),
    "warn": ("#fff4dc", "#362c12"),
    "warnline": ("#ecd49a", "#6b5722"),
}
INK, SOFT, TEAL, ORANGE, VIOLET, AXIS, BLUE = (
    PALETTE[name][0] for name in ("ink", "soft", "teal", "orange", "violet", "axis", "blue"))


def _variables(which: int) -> str:
    return (
        ":root{" + ";".join(f"--{name}:{colours[which]}" for name, colours in PALETTE.items()) + "}"
    )


STYLE = (
    f"""{_variables(0)}
@media screen and (prefers-color-scheme:dark){{{_variables(1)}}}
"""
    + """
:root{color-scheme:light dark}
*{box-sizing:border-box}
body{font:15px/1.55 system-ui,-apple-system,"Segoe UI",Roboto,"DejaVu Sans",sans-serif;color:var(--ink);margin:0;
background:var(--paper)}
main{max-width:1040px;margin:0 auto;padding:34px 28px 60px}
h1{font-size:27px;line-height:1.25;margin:0 0 4px;overflow-wrap:anywhere}
h2{font-size:19px;margin:38px 0 8px;padding-top:14px;border-top:1px solid var(--line)}
p{margin:8px 0;max-width:78ch}
a{color:var(--teal)}
.soft,figcaption,caption{color:var(--soft);font-size:13px}
.banner{background:var(--warn);border:1px solid var(--warnline);border-radius:6px;padding:10px 14px;margin:16px 0}
table{border-collapse:collapse;margin:12px 0;font-variant-numeric:tabular-nums}
caption{text-align:left;caption-side:bottom;padding-top:6px;max-width:92ch}
th,td{padding:5px 11px;white-space:nowrap;border-bottom:1px solid var(--line);text-align:right;vertical-align:bottom}
th:first-child,td:first-child{text-align:left}
thead th{border-bottom:2px solid var(--ink);font-weight:600}
figure{margin:14px 0}
figure svg,figure img{max-width:100%;height:auto;display:block}
.wide{overflow-x:auto}
.wide th:first-child,.wide td:first-child{position:sticky;left:0;background:var(--paper)}
.panels{display:grid;gap:6px 22px;align-items:start}
.panels svg,.panels img{width:100%}
.tiles{display:flex;gap:14px;flex-wrap:wrap;margin:18px 0}
.tile{flex:1 1 140px;background:var(--tint);border-radius:8px;padding:12px 16px}
.tile b{display:block;font-size:24px;line-height:1.2}
.tile span{color:var(--soft);font-size:13px}
dl{display:grid;grid-template-columns:max-content 1fr;gap:3px 18px;font-size:13.5px}
dt{color:var(--soft)}dd{margin:0;overflow-wrap:anywhere}
code{font:12.5px ui-monospace,"DejaVu Sans Mono",monospace}
@media print{main{padding:0;max-width:none}figure,tr,.tile{break-inside:avoid}*{print-color-adjust:exact}}
"""
)


def page(title: str, body: str, *, style: str = "", script: str = "") -> str:
    """Give the whole HTML file.

    Parameters
    ----------
    title : plain text
    body, style, script : HTML, CSS on top of `STYLE`, and JavaScript, as they are
    """
    code = f"<script>{script}</script>" if script else ""
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width,initial-scale=1">'
        f"<title>{text(title)}</title><style>{STYLE}{style}</style></head><body><main>\n{body}\n</main>{code}</body></html>\n"
    )


def text(value: object) -> str:
    """Escape anything for HTML, in an attribute too."""
    return html.escape(str(value))


def number(value: float | None, digits: int = 2) -> str:
    """Write a number with a true minus; a dash where there is none."""
    return (
        "–" if value is None or not np.isfinite(value) else f"{value:,.{digits}f}".replace("-", "−")
    )


def section(title: str, body: str) -> str:
    """Put a heading of plain text over HTML."""
    return f"<h2>{text(title)}</h2>\n{body}"


def table(head: Sequence[str], rows: Sequence[tuple[str, Sequence[str]]], caption: str) -> str:
    """Give a table that scrolls sideways where the page is narrower, and its caption, which does
    not.

    Parameters
    ----------
    head : HTML of each column's head
    rows : CSS class and the cells' HTML of each row
    caption : HTML
    """
    heads = "".join(f"<th>{title}</th>" for title in head)
    body = ""
    for kind, cells in rows:
        body += (
            (f'<tr class="{kind}">' if kind else "<tr>")
            + "".join(f"<td>{cell}</td>" for cell in cells)
            + "</tr>"
        )
    return (
        '<figure><div '
        f'class="wide"><table><thead><tr>{heads}</tr></thead><tbody>{body}</tbody></table></div>'
        f"<figcaption>{caption}</figcaption></figure>"
    )


def drawing() -> AbstractContextManager[None]:
    """Draw figures in the house's look within this context."""
    return matplotlib.rc_context(
        {
            "font.size": 9,
            "font.family": "DejaVu Sans",
            "axes.spines.top": False,
            "axes.spines.right": False,
            "axes.edgecolor": AXIS,
            "axes.grid": True,
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


def picture(
    figure: Figure, caption: str, *, alt: str, raster: bool = False, tight: bool = True
) -> str:
    """Put a figure into the page: as SVG, or as PNG where it is made of pixels.

    Parameters
    ----------
    caption : HTML
    alt : plain text, what it shows to those who do not see it
    tight : cut the margins to what is drawn, which takes as long as drawing
    """
    return f"<figure>{element(figure, alt=alt, raster=raster, tight=tight)}<figcaption>{caption}</figcaption></figure>"


def panels(drawings: Sequence[str], caption: str, *, width_px: int) -> str:
    """Put drawings that share a caption beside each other, as many as fit: on a phone each is as
    wide as the page.

    Parameters
    ----------
    drawings : as `element` gives them
    width_px : below this no panel gets, while the page is wider
    """
    columns = f"grid-template-columns:repeat(auto-fill,minmax(min(100%,{width_px}px),1fr))"
    return f'<figure><div class="panels" style="{columns}">{"".join(drawings)}</div><figcaption>{caption}</figcaption></figure>'


def element(figure: Figure, *, alt: str, raster: bool = False, tight: bool = False) -> str:
    """Give a figure as an element, without its caption; see `picture`."""
    buffer = io.BytesIO()
    edges = "tight" if tight else None
    if raster:
        figure.savefig(buffer, format="png", dpi=130, bbox_inches=edges)
        return png(buffer.getvalue(), alt=alt)
    figure.savefig(
        buffer, format="svg", bbox_inches=edges, transparent=True,
        metadata={"Date": None, "Creator": None},
    )
    svg = buffer.getvalue().decode()
    # What matplotlib says about itself, namespaces apart, is of no use here and holds addresses.
    svg = svg[svg.index("<svg"):]
    if "<metadata>" in svg:
        svg = svg[:svg.index("<metadata>")] + svg[svg.index("</metadata>") + len("</metadata>"):]
    # An <svg> inside HTML needs no namespaces, and without them the page holds no address at all.
    svg = svg.replace(' xmlns:xlink="http://www.w3.org/1999/xlink"', "")
    svg = _PATH.sub(lambda path: _LONG.sub(r"\1", path[0]), svg)
    svg = svg.replace(' xmlns="http://www.w3.org/2000/svg"', "").replace("xlink:href", "href")
    for name, (light, _) in PALETTE.items():
        svg = svg.replace(f": {light}", f": var(--{name})")
    return _own_ids(svg.replace("<svg ", f'<svg role="img" aria-label="{text(alt)}" ', 1))


def png(data: bytes, *, alt: str) -> str:
    """Put the bytes of a PNG into the page."""
    return f'<img alt="{text(alt)}" src="data:image/png;base64,{base64.b64encode(data).decode()}">'


_PATH = re.compile(r' d="[^"]*"')
_LONG = re.compile(r"(-?\d+\.\d\d)\d+")      # a hundredth of a point is finer than any screen
_drawn = 0


def _own_ids(svg: str) -> str:
    """Make the ids of a drawing its own: several stand in one page, and each refers to its shapes
    by id.
    """
    global _drawn    # noqa: PLW0603
    _drawn += 1
    mark = f"f{_drawn}-"
    return (
        svg.replace('id="', f'id="{mark}')
        .replace('href="#', f'href="#{mark}')
        .replace("url(#", f"url(#{mark}")
    )
