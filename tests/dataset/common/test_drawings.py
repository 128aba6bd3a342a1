import base64
import re
from html.parser import HTMLParser

import numpy as np
import pytest
from matplotlib.figure import Figure

from dataset.common.drawings import INK, as_png, as_svg, drawing_style, picture_as_png

HOSTILE = '"><script>window.taken=1</script>&\''


def drawn(title="", colour=INK):
    with drawing_style():
        figure = Figure(figsize=(2, 1))
        axis = figure.add_subplot()
        axis.plot([0, 1, 2], [0.123456789, 2, 1], color=colour)
        axis.axvspan(0.5, 1, facecolor="none", hatch="////")
        axis.set_title(title)
        return figure


class Elements(HTMLParser):
    def __init__(self, text):
        super().__init__()
        self.attrs = []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.attrs.append((tag, dict(attrs)))


def test_an_svg_names_no_address_and_says_what_it_shows():
    with drawing_style():
        svg = as_svg(drawn(), alt=HOSTILE).svg
    assert svg.startswith("<svg ")
    assert "http" not in svg
    assert "metadata" not in svg
    assert "<script" not in svg
    tag, attrs = Elements(svg).attrs[0]
    assert (tag, attrs["role"], attrs["aria-label"]) == ("svg", "img", HOSTILE)


def test_what_a_file_says_is_drawn_as_paths():
    with drawing_style():
        svg = as_svg(drawn(title=HOSTILE), alt="a title").svg
    assert "<script" not in svg
    assert "<text" not in svg


def test_ids_of_two_drawings_differ_and_each_refers_to_its_own():
    with drawing_style():
        one, other = (as_svg(drawn(), alt=alt).svg for alt in ("one", "other"))
    ids = [set(re.findall(r' id="([^"]*)"', svg)) for svg in (one, other)]
    assert ids[0]
    assert not ids[0] & ids[1]
    for svg, own in zip((one, other), ids, strict=True):
        used = set(re.findall(r"url\(#([^)]*)\)", svg)) | set(re.findall(r' href="#([^"]*)"', svg))
        assert used
        assert used <= own


def test_the_same_drawing_is_the_same_text():
    with drawing_style():
        assert as_svg(drawn(), alt="one").svg == as_svg(drawn(), alt="one").svg


def test_an_svg_follows_the_page_s_colours_and_is_as_fine_as_a_screen():
    with drawing_style():
        svg = as_svg(drawn(), alt="one").svg
    assert "stroke: var(--ink)" in svg
    assert INK not in svg
    assert not re.search(r' d="[^"]*\.\d{3}', svg)


@pytest.mark.parametrize(
    "made",
    [
        pytest.param(lambda: as_png(drawn(), alt="one"), id="figure"),
        pytest.param(
            lambda: picture_as_png(np.zeros((4, 6, 3), np.uint8), alt="one"), id="picture"
        ),
    ],
)
def test_a_png_is_in_base64(made):
    drawing = made()
    assert drawing.svg == ""
    assert base64.b64decode(drawing.png).startswith(b"\x89PNG")
