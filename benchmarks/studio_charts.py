"""Which way to draw the studio's curves: a canvas of our own, or Bokeh's or Plotly's script.

Each draws five curves of ten seconds at 30 Hz that move on with every frame, in headless Chromium,
three times. Bokeh and Plotly are no dependencies: install each, with all that it needs, into a
folder of its own (`pip install --target FOLDER bokeh`) and name the folders.

    python -m benchmarks.studio_charts --bokeh FOLDER --plotly FOLDER
"""

import argparse
import statistics
import tempfile
from pathlib import Path

from playwright.sync_api import sync_playwright

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


def megabytes(folder):
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file()) / 1e6


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--bokeh", type=Path)
    parser.add_argument("--plotly", type=Path)
    options = parser.parse_args()
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
