"""Markup is in templates alone, values are escaped, and Jinja2 is imported when a page is made."""

import itertools
import re
import subprocess
import sys
import tokenize
from pathlib import Path

import pytest
from jinja2 import Environment, TemplateSyntaxError, UndefinedError, nodes

from dataset.common.pages import PALETTE, render_macro, render_page

REPO = Path(__file__).parents[3]
ROOMS = ("acq", "acquire", "dataset", "models")
HOSTILE = "<script>window.taken=1</script>&\"'"
TEMPLATES = sorted(path for room in ROOMS for path in (REPO / room).glob("*/templates/*"))
# of HTML; `subject<int>` and the like are placeholders in words
ELEMENTS = (
    "a|b|body|br|button|caption|code|dd|details|div|dl|dt|em|figcaption|figure|h[1-6]|head|html|i|"
    "img|input|label|li|link|main|meta|nav|ol|option|p|path|pre|script|section|select|span|strong|"
    "style|summary|svg|table|tbody|td|th|thead|title|tr|ul|video"
)
TAG = re.compile(rf"</?({ELEMENTS})(\s[^<>]*)?/?>|<({ELEMENTS}) [a-z-]+=|<!doctype", re.IGNORECASE)


def strings_of(path):
    with tokenize.open(path) as file:
        for token in tokenize.generate_tokens(file.readline):
            if token.type not in (tokenize.COMMENT, tokenize.NAME, tokenize.OP):
                yield token.start[0], token.string


@pytest.mark.parametrize("room", ROOMS)
def test_no_python_file_holds_markup(room):
    found = [
        f"{path}:{line}" for path in (REPO / room).rglob("*.py") for line, text in strings_of(path)
        if TAG.search(text)
    ]
    assert found == []


def test_the_rule_above_finds_markup():
    for text in ('f"<b>{name}</b>"', "'<td class=x>'", '"<br>"', '"<!doctype html>"', "'</p>'"):
        assert TAG.search(text), text
    for text in ("a < b and c > d", "Jetson <4 GB>", "subject<int>", ".NAME.<random>.part"):
        assert not TAG.search(text), text


@pytest.mark.parametrize("path", TEMPLATES, ids=lambda path: path.name)
def test_no_template_turns_escaping_off(path):
    tree = Environment().parse(path.read_text())
    assert not {node.name for node in tree.find_all(nodes.Filter)} & {"safe", "xmlattr"}
    assert list(tree.find_all(nodes.ScopedEvalContextModifier)) == []


@pytest.fixture
def template(tmp_path):
    path = tmp_path / "greeting.html.j2"
    path.write_text(
        '{% extends "page.html.j2" %}{% block title %}{{ name }}{% endblock %}'
        '{% block content %}<p title="{{ name }}">{{ name }}</p>{{ part }}{% endblock %}'
    )
    (tmp_path / "part.html.j2").write_text(
        "{% macro bold(name) %} <b>{{ name }}</b> {% endmacro %}"
    )
    return path


def test_every_value_is_escaped_and_a_part_is_not_escaped_again(template):
    part = render_macro(template.with_name("part.html.j2"), "bold", name=HOSTILE)
    page = render_page(template, name=HOSTILE, part=part)
    assert "<script" not in page
    assert page.count("&lt;script&gt;window.taken=1&lt;/script&gt;&amp;&#34;&#39;") == 4
    assert "<b>&lt;script" in page


def test_a_value_that_is_missing_is_an_error(template):
    with pytest.raises(UndefinedError, match="part"):
        render_page(template, name="S01")


def test_a_page_holds_both_palettes_and_fetches_nothing(template):
    page = render_page(template, name="S01", part="")
    light, dark = page.split("prefers-color-scheme: dark")
    for name, (in_light, in_dark) in PALETTE.items():
        assert f"--{name}: {in_light}" in light
        assert f"--{name}: {in_dark}" in dark
    assert not re.search(r"https?:|url\(|@import|<link", page)


def light_of(colour):
    """Return the relative luminance of WCAG 2."""
    parts = (int(colour[at:at + 2], 16) / 255 for at in (1, 3, 5))
    linear = (
        part / 12.92 if part <= 0.03928 else ((part + 0.055) / 1.055) ** 2.4 for part in parts
    )
    return sum(part * share for part, share in zip(linear, (0.2126, 0.7152, 0.0722), strict=True))


@pytest.mark.parametrize(
    ("colours", "behind", "least"),
    [
        (("ink", "soft", "teal", "red"), ("paper", "tint", "pale", "warn"), 4.5),        # text
        (("axis", "blue"), ("paper", "tint", "pale", "warn"), 3.0),      # edges of controls, focus
        (("teal", "orange", "violet", "blue", "red"), ("paper",), 3.0),  # curves
    ],
)
def test_each_colour_is_told_from_what_lies_behind_it(colours, behind, least):
    for scheme in (0, 1):
        for one, other in itertools.product(colours, behind):
            low, high = sorted(light_of(PALETTE[name][scheme]) for name in (one, other))
            assert (high + 0.05) / (low + 0.05) >= least, (one, other, scheme)


@pytest.mark.parametrize(
    "code",
    [
        "from acq.main import app; app(['--help'], standalone_mode=False)",
        "import dataset.common.pages, dataset.common.drawings, dataset.card.write",
        "import dataset.quality_pages.write, models.report.sections",
    ],
)
def test_jinja2_is_imported_only_when_a_page_is_made(code):
    check = "sys.exit(any(name in sys.modules for name in ('jinja2', 'markupsafe')))"
    done = subprocess.run(
        [sys.executable, "-c", f"import sys; {code}; {check}"],
        capture_output=True, text=True, check=False, cwd=REPO,
    )
    assert done.returncode == 0, done.stderr


def test_a_template_that_is_none_is_an_error(tmp_path):
    (tmp_path / "broken.html.j2").write_text("{% if %}")
    with pytest.raises(TemplateSyntaxError):
        render_page(tmp_path / "broken.html.j2")
