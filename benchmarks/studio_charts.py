"""How fast the studio's pages are seen, and which way draws its curves fastest.

    python -m benchmarks.studio_charts --pages 1000

When Chromium first paints something of Sessions, of 1,000 sessions of 2 s, and of Rig (its own
`first-contentful-paint`, from the start of the navigation on), in a browser that has nothing kept:
once while the studio still reads the sessions, then of all visits the least and the median. Beside
it the processor time until then of the page's process, and of the studio.

Without `--pages` the curves: a canvas of our own, or Bokeh's or Plotly's script. Each draws five
curves of ten seconds at 30 Hz that move on with every frame, in headless Chromium, three times.
Bokeh and Plotly are no dependencies: install each, with all that it needs, into a folder of its own
(`pip install --target FOLDER bokeh`) and name the folders.

    python -m benchmarks.studio_charts --bokeh FOLDER --plotly FOLDER
"""

import argparse
import os
import statistics
import tempfile
from pathlib import Path

from playwright.sync_api import sync_playwright

from .catalogue import make_data_folder
from .studio_recording import begin_studio

CANVAS = Path(__file__).parents[1] / "acq/studio/templates/curves.js"
SECONDS = 5
_DATA = """
const N = 300, at = (k, i, t) => Math.sin((i + 60 * t) / (7 + 3 * k)) + .1 * Math.sin(i * (k + 2));
const xs = Array.from({length: N}, (_, i) => i / 30);
const ys = (k, t) => xs.map((_, i) => at(k, i, t));
const colours = ["#1d2730", "#17817b", "#d1782f", "#7a5fb5", "#2f6db3"];
let drawn = 0, first = 0, begun = 0;
const count = again => requestAnimationFrame(now => {
  if (!first) first = performance.now();
  else if (!begun) begun = now;
  else if (now - begun > SECONDS * 1000) {
    window.result = {first, fps: 1000 * drawn / (now - begun)}; return;
  } else drawn++;
  again(now / 1000);
});
""".replace("SECONDS", str(SECONDS))
PAGES = {
    "canvas of our own": """<script type="module">
import {Axis, drawLanes} from "SCRIPT";
DATA
const canvas = document.querySelector("canvas"), axis = new Axis(0, 10);
const step = t => {
  const curves = colours.map((colour, k) => ({colour, x: xs, y: ys(k, t)}));
  drawLanes(canvas, axis, [{label: "", height: 296, curves}]);
  count(step);
};
step(0);
</script><canvas style="width:900px"></canvas>""",
    "Bokeh": """<div id="plot"></div><script src="SCRIPT"></script><script>
DATA
const {Plotting, ColumnDataSource} = Bokeh;
const figure = new Plotting.Figure({width: 900, height: 320, output_backend: "canvas"});
const sources = colours.map((color, k) => {
  const source = new ColumnDataSource({data: {x: xs, y: ys(k, 0)}});
  figure.line({field: "x"}, {field: "y"}, {source, line_color: color});
  return source;
});
const step = t => {
  sources.forEach((source, k) => source.data = {x: xs, y: ys(k, t)});
  count(step);
};
Plotting.show(figure, "#plot").then(() => count(step));
</script>""",
    "Plotly": """<div id="plot"></div><script src="SCRIPT"></script><script>
DATA
const traces = t => colours.map((color, k) => (
  {x: xs, y: ys(k, t), mode: "lines", line: {color, width: 1}}));
const layout = {width: 900, height: 320};
const step = t => Plotly.react("plot", traces(t), layout).then(() => count(step));
Plotly.newPlot("plot", traces(0), layout).then(() => count(step));
</script>""",
}


def measure(browser, page, script):
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "page.html"
        file.write_text(
            "<!doctype html><meta charset=utf-8>"
            + page.replace("DATA", _DATA).replace("SCRIPT", script.resolve().as_uri())
        )
        tab = browser.new_page(viewport={"width": 1280, "height": 720})
        tab.goto(file.as_uri(), wait_until="commit")
        tab.wait_for_function("window.result", timeout=60_000)
        result = tab.evaluate("window.result")
        tab.close()
    return result["first"], result["fps"]


PAINTED = """() => performance.getEntriesByName("first-contentful-paint")[0]?.startTime"""


def used_ms(pid):
    """Return the processor time of a process [ms]."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return 1000 * (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def paint(browser, studio, link, address):
    """Return when a page is first painted, and the processor time for it: browser, studio [ms]."""
    context = browser.new_context(viewport={"width": 1280, "height": 900})
    page = context.new_page()
    page.goto(link)                                     # the cookie
    page.goto("about:blank")
    client = context.new_cdp_session(page)
    client.send("Performance.enable")

    def used():
        metrics = client.send("Performance.getMetrics")["metrics"]
        return next(1000 * one["value"] for one in metrics if one["name"] == "ProcessTime")

    before = used(), used_ms(studio.pid)
    page.goto(link.partition("/?")[0] + address, wait_until="commit")
    painted = page.wait_for_function(PAINTED, timeout=60_000).json_value()
    after = used(), used_ms(studio.pid)
    context.close()
    return painted, max(0.0, after[0] - before[0]), after[1] - before[1]


def measure_pages(browser, count, visits):
    """Print when Sessions and Rig are first painted."""
    with tempfile.TemporaryDirectory() as name:
        data = Path(name) / "data"
        make_data_folder(data, count, 2.0)
        studio, link = begin_studio(data)
        try:
            print(f"{os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}\n")
            print("| page | first paint ms | median | processor ms: browser | studio | load |")
            print("|---" * 6 + "|")
            tell("Sessions, while they are read", [paint(browser, studio, link, "/sessions")])
            page = browser.new_page()
            page.goto(link)
            page.goto(link.partition("/?")[0] + "/sessions")
            page.wait_for_selector("#sessions:not(:has(#progress))", timeout=600_000)
            page.close()
            for title, address in ((f"Sessions, {count} of them", "/sessions"), ("Rig", "/rig")):
                tell(title, [paint(browser, studio, link, address) for _ in range(visits)])
        finally:
            studio.terminate()
            studio.wait()


def tell(title, visits):
    """Print a row: of all visits the least and the median until painted, the least used."""
    painted, browser, studio = zip(*visits, strict=True)
    print(
        f"| {title} | {min(painted):.0f} | {statistics.median(painted):.0f} | {min(browser):.0f} | "
        f"{min(studio):.0f} | {os.getloadavg()[0]:.1f} |", flush=True,
    )


def megabytes(folder):
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file()) / 1e6


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--bokeh", type=Path)
    parser.add_argument("--plotly", type=Path)
    parser.add_argument("--pages", type=int, metavar="SESSIONS")
    parser.add_argument("--visits", type=int, default=10)
    options = parser.parse_args()
    if options.pages:
        with sync_playwright() as playwright:
            browser = playwright.chromium.launch(
                executable_path="/usr/bin/chromium", args=["--no-sandbox"]
            )
            measure_pages(browser, options.pages, options.visits)
            browser.close()
        return
    scripts = {"canvas of our own": (CANVAS, CANVAS.stat().st_size / 1e6)}
    if options.bokeh:
        script = options.bokeh / "bokeh/server/static/js/bokeh.min.js"
        api = script.with_name("bokeh-api.min.js")
        PAGES["Bokeh"] = PAGES["Bokeh"].replace(
            '<script src="SCRIPT"></script>',
            f'<script src="SCRIPT"></script><script src="{api.resolve().as_uri()}"></script>',
        )
        scripts["Bokeh"] = script, megabytes(options.bokeh)
    if options.plotly:
        script = options.plotly / "plotly/package_data/plotly.min.js"
        scripts["Plotly"] = script, megabytes(options.plotly)
    print("| | first paint [ms] | frames/s, five curves | script [kB] | installed [MB] |")
    print("|---|---|---|---|---|")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path="/usr/bin/chromium",
            args=["--no-sandbox", "--allow-file-access-from-files"],
        )
        for name, (script, size) in scripts.items():
            rounds = [measure(browser, PAGES[name], script) for _ in range(3)]
            first, fps = (statistics.median(values) for values in zip(*rounds, strict=True))
            print(
                f"| {name} | {first:.0f} | {fps:.0f} | {script.stat().st_size / 1e3:.0f} "
                f"| {size:.2f} |", flush=True,
            )
        browser.close()


if __name__ == "__main__":
    main()
