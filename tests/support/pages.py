"""What tests of HTML pages share: a page taken apart, its tables, what a browser makes of it."""

import html
import json
import re
import shutil
import subprocess
from html.parser import HTMLParser

import pytest


def words_of(text):
    """Return what a reader sees of a page, without markup, in one line."""
    seen = re.sub(r"<(style|script|defs).*?</\1>|<[^>]*>", " ", text, flags=re.S)
    return " ".join(html.unescape(seen).split())


def in_one_line(text):
    """Return HTML with every run of white space as one space, as a browser reads it."""
    return " ".join(text.split())


class Page(HTMLParser):
    """Collect what a browser would fetch, whether tags close, and what each figure says."""

    VOID = ("meta", "img", "br", "link")

    def __init__(self, text):
        super().__init__()
        self.fetched, self.ids, self.used, self.open, self.captions, self.alts = (
            [], [], [], [], [], [],
        )
        self.feed(text)
        self.captions = [in_one_line(caption) for caption in self.captions]

    def handle_starttag(self, tag, attrs):
        for key, value in attrs:
            if key == "id":
                self.ids.append(value)
            if key in ("src", "href"):
                (self.used if value.startswith("#") else self.fetched).append(value.lstrip("#"))
            if (key == "alt" and tag == "img") or (key == "aria-label" and tag == "svg"):
                self.alts.append(value)
        assert tag not in ("script", "link", "iframe")
        if tag == "figcaption":
            self.captions.append("")
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.handle_starttag(tag, attrs)
        if tag not in self.VOID:
            self.open.pop()

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        if "figcaption" in self.open:
            self.captions[-1] += data


class Tables(HTMLParser):
    """Collect the tables of a page: `all[n]` is a list of rows, each a list of its cells' words."""

    def __init__(self, text):
        super().__init__()
        self.all, self._cell = [], None
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        if tag == "table":
            self.all.append([])
        elif tag == "tr":
            self.all[-1].append([])
        elif tag in ("td", "th"):
            self._cell = []
        elif tag == "br" and self._cell is not None:
            self._cell.append(" ")

    def handle_endtag(self, tag):
        if tag in ("td", "th"):
            self.all[-1][-1].append("".join(self._cell))
            self._cell = None

    def handle_data(self, data):
        if self._cell is not None:
            self._cell.append(data)

    def cell(self, row, column, *, table=0):
        """Return what stands in the row that begins with `row` under the head `column`."""
        head, *body = self.all[table]
        (cells,) = [cells for cells in body if cells[0] == row]
        return cells[head.index(column)]


# A window is at least 500 px wide, a frame in it is not: the page stands in frames, with these two
# at its head and its end, and the second tells the window around it what it found.
_HEAD = "<script>window.wrong=[];window.onerror=text=>{wrong.push(text)}</script>"
_PROBE = """<script>
const found={width:innerWidth};
%s
found.over=document.documentElement.scrollWidth-innerWidth;
found.cut=[...document.querySelectorAll("main *")].filter(one=>!one.closest("svg,.bar,pre,.wide")
 &&one.getBoundingClientRect().right>innerWidth+1).map(one=>one.outerHTML.slice(0,80));
found.taken=window.taken;found.wrong=wrong;
found.paper=getComputedStyle(document.body).backgroundColor;
parent.postMessage(JSON.stringify(found),"*");
</script>"""
_AROUND = """<!doctype html><meta name="color-scheme" content="light dark"><pre id="probe"></pre>
<script>const found=[];onmessage=told=>{
const at=Array.from(document.querySelectorAll("iframe"),one=>one.contentWindow);
found[at.indexOf(told.source)]=JSON.parse(told.data);
document.getElementById("probe").textContent=JSON.stringify(found)}</script>%s"""
_FRAME = '<iframe src="page.html" width="%d" height="900" style="border:0"></iframe>'


def see_in_browser(text, folder, *widths, script="", is_dark=False):
    """Open a page in a browser in frames as wide as told; return what was found in each.

    `script` may add to the object `found`; `over` and `cut` are what sticks out at the right.
    """
    browser = shutil.which("chromium")
    if browser is None:
        pytest.skip("no browser; apt-get install chromium")
    (folder / "page.html").write_text(
        text.replace("<head>", f"<head>{_HEAD}").replace("</body>", f"{_PROBE % script}</body>")
    )
    (folder / "around.html").write_text(_AROUND % "".join(_FRAME % width for width in widths))
    done = subprocess.run(
        [
            browser, "--headless", "--no-sandbox", "--disable-gpu",
            f"--user-data-dir={folder}/profile", "--dump-dom", "--window-size=1500,1000",
            "--virtual-time-budget=5000",
            *(["--blink-settings=preferredColorScheme=0"] if is_dark else []),
            (folder / "around.html").as_uri(),
        ],
        capture_output=True,
        text=True,
        timeout=120,
        check=True,
    )
    found = json.loads(
        html.unescape(re.search(r'<pre id="probe">(.*?)</pre>', done.stdout, flags=re.S)[1])
    )
    assert [one["width"] for one in found] == [*widths]
    return found
