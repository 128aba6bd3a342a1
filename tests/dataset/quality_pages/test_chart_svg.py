"""Where the lines of a chart are, read back by what is written at its axes."""

import re
from xml.etree import ElementTree

import numpy as np
import pytest

from dataset.quality_pages.chart_svg import BOTTOM, LEFT, RIGHT, TOP, Axes, ChartLine, chart_svg


def seconds(text):
    minutes, rest = text.split(":")
    return 60 * float(minutes) + float(rest)


def axis(root, anchor, at, read):
    """Return place and value of each tick that ends in, or is above, its text."""
    (group,) = (one for one in root.iter("g") if one.get("text-anchor") == anchor)
    written = [(float(one.get(at)), one.text) for one in group.iter("text")]
    if anchor == "middle":
        written = written[:-2]                  # the names of the axes
    return np.array([(place, read(text.replace("−", "-"))) for place, text in written])


@pytest.mark.parametrize(("low", "high"), [(-3.0, 4.0), (1e5, 1.002e5), (0.1, 0.1001), (5.0, 5.0)])
def test_a_curve_is_where_its_numbers_are(low, high):
    x = np.linspace(2.0, 93.0, 400)
    y = np.linspace(low, high, 400)
    y[100:110] = np.nan
    svg = chart_svg(
        [ChartLine("<a>", "ink", x, y)],
        Axes("time", "V", is_time=True, x_limits=(0.0, 95.0), hatched=[(10.0, 20.0)]),
        alt='"<b>', number=3,
    )
    root = ElementTree.fromstring(svg)
    assert root.get("aria-label") == '"<b>'
    across = axis(root, "middle", "x", seconds) - (LEFT, 0)
    down = axis(root, "end", "y", float) - (TOP + 3, 0)
    assert 2 <= len(across) <= 7
    assert 2 <= len(down) <= 7
    (path,) = (one.get("d") for one in root.iter("path") if "--ink" in one.get("style", ""))
    assert path.count("M") == 2                 # the gap
    points = np.array(re.findall(r"[ML]([\d.]+) ([\d.]+)", path), float)
    assert (points[:, 0] <= RIGHT - LEFT).all()
    assert (points[:, 1] <= BOTTOM - TOP).all()
    to_s, to_y = np.polyfit(*across.T, 1), np.polyfit(*down.T, 1)
    drawn = np.isfinite(y)
    assert np.abs(np.polyval(to_s, points[:, 0]) - x[drawn]).max() < 0.05
    written = abs(down[1, 1] - down[0, 1]) * 0.01
    assert np.abs(np.polyval(to_y, points[:, 1]) - y[drawn]).max() < written
    (part,) = root.iter("rect")
    edges = float(part.get("x")), float(part.get("x")) + float(part.get("width"))
    assert np.polyval(to_s, edges) == pytest.approx((10.0, 20.0), abs=0.1)
