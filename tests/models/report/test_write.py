import html
import json
import re
import shutil
import subprocess
from html.parser import HTMLParser

import cv2
import numpy as np
import pytest

torch = pytest.importorskip("torch")

from dataset.common.html import drawing
from dataset.layouts.avi import VideoWriter
from models.evaluation.methods import COLOURS
from models.nets.can import Student, Teacher, count_parameters
from models.report import (
    errors,
    pulses,
)
from models.report.style import MOST_POINTS, thinning
from models.report.training import curves
from models.report.write import write_report
from tests.models.training.test_train import whole_run
from tests.support.curated_folders import PORTRAIT
from tests.support.made_reports import (
    DATA_HASH,
    SPLIT_HASH,
    Tables,
    metrics_of,
    networks,
    recordings,
    results,
)

TWO = results("S01", "S02")


class Page(HTMLParser):
    """Collect what a browser would fetch, whether tags close, and what each figure says."""

    VOID = ("meta", "img", "br", "link")

    def __init__(self, text):
        super().__init__()
        self.fetched, self.ids, self.used, self.open, self.captions, self.alts = (
            [], [], [], [], [], [],
        )
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        for key, value in attrs:
            if key == "id":
                self.ids.append(value)
            if key in ("src", "href"):
                (self.used if value.startswith("#") else self.fetched).append(value.lstrip("#"))
            if key in ("alt", "aria-label") and tag in ("img", "svg"):
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


def report(folder, found, *, people="virtual", folds=1, seeds=1):
    """Write the report of a made-up run; give its text."""
    with VideoWriter(folder / "vid.avi", codec="rawvideo", width=128, height=96, fps=20) as video:
        video.add(cv2.resize(cv2.imread(str(PORTRAIT)), (128, 96), interpolation=cv2.INTER_AREA))
    metrics = metrics_of(found, people=people, folds=folds, seeds=seeds)
    if folds > 1:
        metrics["folds"][0]["test"] = ["S02"]
    curated = recordings(found, folder, simulated=people == "virtual")
    trained = networks(found)
    write_report(
        folder / "report.html", curated, trained, {n: v for n, v in found.items() if n in COLOURS},
        metrics,
    )
    return (folder / "report.html").read_text()


@pytest.fixture(scope="module")
def virtual(tmp_path_factory):
    return tmp_path_factory.mktemp("virtual")


@pytest.fixture(scope="module")
def text(virtual):
    return report(virtual, TWO, folds=2, seeds=2)


def test_it_opens_offline_and_every_link_leads_somewhere(text):
    page = Page(text)
    assert page.open == []
    assert "http" not in text
    assert all(address.startswith("data:image/png;base64,") for address in page.fetched)
    assert len(set(page.ids)) == len(page.ids)
    assert set(page.used) <= set(page.ids)
    assert set(re.findall(r"url\(#([^)]*)\)", text)) <= set(page.ids)
    contents = re.search(r"<nav.*?</nav>", text)[0]
    assert re.findall(r'<a href="#([^"]*)"', contents) == re.findall(r'<section id="([^"]*)"', text)
    assert len(text) < 3_000_000


def test_every_figure_says_what_it_was_computed_from(text):
    page = Page(text)
    waiting = [c for c in page.captions if DATA_HASH[:12] not in c or "dealt into 2 folds" not in c]
    assert len(page.captions) > 15
    # tables without a row of ours
    assert [c[:20] for c in waiting] == ["This run tests folds", "Grey: the paper’s ta"]
    for caption in page.captions:
        if "bpm" in caption:
            assert "grid of 0.1 bpm" in caption
    for whole in (DATA_HASH, "each fold’s own", "795,811", "24,769", "Simulated data"):
        assert whole in text
    assert ">split hash" in text
    assert f"<code>{SPLIT_HASH}" not in text  # of the curated split, which folds do not use


def test_real_faces_are_never_shown_and_their_masks_stand_alone(tmp_path):
    text = report(tmp_path, TWO, people="real")
    assert "data:image" not in text
    assert "<img" not in text
    assert "<image" not in text
    assert "Simulated data" not in text
    assert "Real faces are not shown" in text
    assert "this run, real subjects" in text
    (masks,) = [alt for alt in Page(text).alts if "attention" in alt]
    assert masks == "the teacher's attention masks, without a face"


def test_virtual_faces_are_those_the_pictured_networks_never_saw(text):
    alts = Page(text).alts
    assert [alt for alt in alts if "virtual subject" in alt] == [      # the first fold tests S02
        "first frame of virtual subject S02 with the face box",
        "the teacher's attention masks over the face of virtual subject S02",
    ]
    assert text.count("data:image/png") == 3  # frame, preprocessed frames, masks


def test_the_report_of_a_run_holds_its_metrics(tmp_path_factory):
    # as in test_train, so that it is made once
    run = whole_run(tmp_path_factory.getbasetemp() / "models-data")[0]
    text = run.report.read_text()
    kept = json.loads((run.folder / "metrics.json").read_text())
    for fact in (kept["data_hash"], kept["split_hash"]):
        assert fact in text
    table = Tables(text)
    for name, row in (("teacher", "teacher"), ("student_kd", "student + KD"), ("pos", "POS")):
        assert table.cell(row, "RMSE [bpm]") == f"{kept['methods'][name]['rmse_bpm']:.2f}"
    assert "S03" in text
    assert str(run.folder.parent.parent) not in text                 # no address of this machine


def test_the_document_names_every_key_of_a_run_s_metrics(repo, tmp_path_factory):
    run = whole_run(tmp_path_factory.getbasetemp() / "models-data")[0]
    kept = json.loads((run.folder / "metrics.json").read_text())
    part = (
        (repo / "docs" / "models.md")
        .read_text()
        .partition("**metrics.json**")[2]
        .partition("## Figures")[0]
    )
    named = set(re.findall(r"`([a-z_0-9]+)`", part))
    assert set(kept) | set(kept["methods"]["teacher"]) | set(kept["methods"]) <= named


def test_the_document_s_layers_are_those_of_the_networks(repo):
    text = (repo / "docs" / "models.md").read_text()
    for net, head in ((Teacher(), "| teacher | output"), (Student(), "| student | output")):
        rows = [
            line.split("|")[3:5]
            for line in text.partition(head)[2].partition("**together**")[0].splitlines()[2:-1]
        ]
        assert sum(
            int(n) for row in rows for n in row[0].replace(",", "").split("+")
        ) == count_parameters(net)
        assert (
            f"| **{count_parameters(net):,}** | "
            f"**{sum(int(row[1].replace(',', '')) for row in rows):,}** |"
            in text
        )


def test_limits_of_agreement_stand_over_each_method():
    with drawing():
        page = Page(errors.agreement(TWO, metrics_of(TWO)))
    assert len(page.alts) == 9
    # Off by 2 in 10 of 21 windows: mean 0.95, SD 1.01 (n - 1).
    assert (
        "Bland-Altman plot of student + KD: mean difference and limits of agreement 0.95 [−1.0, "
        "2.9] bpm"
        in page.alts
    )


def test_a_long_run_draws_some_windows_and_says_so():
    assert thinning(MOST_POINTS) == (1, "")
    assert thinning(3 * MOST_POINTS)[0] == 3
    long = {
        name: videos * 20
        for name, videos in results("S01", "S02", methods=("teacher", "student")).items()
    }
    with drawing():
        drawn = errors.scatter(long, metrics_of({**TWO, **long}))
    assert "One window in 2 is drawn" in drawn
    points = drawn.count("<use ")
    assert 2 * 400 < points < 2 * 500  # of 840 windows of each method, and ticks


def test_subjects_have_the_best_method_without_training_beside():
    with drawing():
        page = errors.subjects(TWO, metrics_of(TWO))
    assert "Without training, POS is the best on these windows" in page
    assert re.findall(r"</i>([^<]*)</span>", page) == [
        "teacher", "student", "student + KD", "PhysNet", "POS",
    ]
    assert Page(page).alts == ["absolute error of the subjects S01, S02"]


def test_good_and_bad_windows_are_the_extremes_of_different_recordings():
    with drawing():
        good, bad = pulses.windows(networks(TWO), metrics_of(TWO))
    heads = [
        re.findall(r"<b>(.*?)</b>: PPG ([\d.]+) bpm, .*?student \+ KD ([\d.]+)", part)
        for part in (good, bad)
    ]
    for which, off in zip(heads, (0.0, 2.0), strict=True):
        assert {re.match(r"S\d\d", head)[0] for head, _, _ in which} == {"S01", "S02"}
        assert {round(float(said) - float(meant), 1) for _, meant, said in which} == {off}
    spans = [re.match(r"(.*), (\d+) to (\d+) s", head).groups() for head, _, _ in heads[0]]
    for n, (where, first, _) in enumerate(spans):  # no two share a second
        assert all(
            where != other or abs(int(first) - int(begin)) >= 10 for other, begin, _ in spans[:n]
        )
    for alt in Page(good).alts:
        assert "teacher 66.0" in alt or "teacher 90.0" in alt


def test_few_windows_are_either_good_or_bad():
    found = results("S01")
    for videos in found.values():
        rates = ("predicted_bpm", "reference_bpm", "toolbox_predicted_bpm", "toolbox_reference_bpm")
        for field in ("start_s", "snr_db", "macc", *rates):
            object.__setattr__(videos[0], field, getattr(videos[0], field)[10:11])
    with drawing():
        good, bad = pulses.windows(networks(found), metrics_of(found))
    assert good.count("<figure>") == 1
    assert bad == "<p>No window is worse than the median.</p>"


def test_training_curves_know_the_epochs_before_the_teacher_joined():
    with drawing():
        page = curves(networks(TWO, before=2), metrics_of(TWO))
    assert "student + KD 5 epochs" in page
    assert "dotted, its answer" in page
    assert "PhysNet’s loss is 1 − r" in page


def test_a_network_without_any_peak_is_drawn_as_0_bpm():
    found = results("S01")
    silent = found["student_kd"][0]
    object.__setattr__(silent, "predicted_bpm", np.full(21, np.nan))
    object.__setattr__(silent, "pulse", np.zeros_like(silent.pulse))
    object.__setattr__(silent, "snr_db", np.full(21, np.nan))
    object.__setattr__(silent, "macc", np.full(21, np.nan))
    metrics = metrics_of(found)
    with drawing():
        assert "−66.00 [−66.0, −66.0]" in errors.agreement(found, metrics)
        assert "SNR [dB] over windows" in errors.spreads(found, metrics)
        assert "student + KD –" in pulses.windows(networks(found), metrics)[0]


# A window is at least 500 px wide, a frame in it is not: the page stands in a frame, and tells the
# window what it found.
HEAD = "<script>window.wrong=[];window.onerror=text=>{wrong.push(text)}</script>"
PROBE = """<script>
const small=[...document.querySelectorAll("figure svg,figure img")].filter(one=>one.getBoundingClientRect().width<250);
parent.postMessage(JSON.stringify({width:innerWidth,wrong,over:document.documentElement.scrollWidth-innerWidth,
cut:[...document.querySelectorAll("main *")].filter(one=>!one.closest("svg,pre,.wide")
 &&one.getBoundingClientRect().right>innerWidth+1).map(one=>one.outerHTML.slice(0,80)),small:small.length}),"*");
</script>"""
AROUND = """<!doctype html><pre id="probe"></pre>
<script>onmessage=told=>{document.getElementById("probe").textContent=told.data}</script>
<iframe src="report.html" width="%d" height="900" style="border:0"></iframe>"""


@pytest.mark.parametrize("width", [1400, 400])
def test_a_browser_shows_it_without_fault_or_sideways_scroll(text, tmp_path, width):
    browser = shutil.which("chromium")
    if browser is None:
        pytest.skip("no browser; apt-get install chromium")
    (tmp_path / "report.html").write_text(
        text.replace("<head>", f"<head>{HEAD}").replace("</body>", f"{PROBE}</body>")
    )
    (tmp_path / "around.html").write_text(AROUND % width)
    done = subprocess.run(
        [
            browser, "--headless", "--no-sandbox", "--disable-gpu",
            f"--user-data-dir={tmp_path}/profile", "--dump-dom", "--window-size=1500,1000",
            "--virtual-time-budget=5000", (tmp_path / "around.html").as_uri(),
        ],
        capture_output=True,
        text=True,
        timeout=120,
        check=True,
    )
    found = json.loads(
        html.unescape(re.search(r'<pre id="probe">(.*?)</pre>', done.stdout, flags=re.S)[1])
    )
    assert found.pop("over") <= 0
    assert found == {"width": width, "wrong": [], "cut": [], "small": 0}
