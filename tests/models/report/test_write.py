import json
import re

import cv2
import pytest

torch = pytest.importorskip("torch")

from dataset.layouts.avi import VideoWriter
from models.evaluation.methods import COLOUR_TITLES
from models.nets.can import Student, Teacher, count_parameters
from models.report.write import write_report
from tests.support.curated_folders import PORTRAIT
from tests.support.made_reports import (
    DATA_HASH,
    SPLIT_HASH,
    metrics_of,
    networks,
    recordings,
    results,
)
from tests.support.pages import Page, Tables, see_in_browser, words_of
from tests.support.trained_runs import trained_run

pytestmark = pytest.mark.xdist_group("one trained run")

TWO = results("S01", "S02")


def report(folder, found, *, people="virtual", folds=1, seeds=1):
    """Write the report of a made-up run and return its text."""
    with VideoWriter(folder / "vid.avi", codec="rawvideo", width=128, height=96, fps=20) as video:
        video.add(cv2.resize(cv2.imread(str(PORTRAIT)), (128, 96), interpolation=cv2.INTER_AREA))
    metrics = metrics_of(found, people=people, folds=folds, seeds=seeds)
    if folds > 1:
        metrics["folds"][0]["test"] = ["S02"]
    curated = recordings(found, folder, simulated=people == "virtual")
    trained = networks(found)
    colours = {name: videos for name, videos in found.items() if name in COLOUR_TITLES}
    write_report(folder / "report.html", curated, trained, colours, metrics)
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
    contents = re.search(r"<nav.*?</nav>", text, flags=re.S)[0]
    assert re.findall(r'<a href="#([^"]*)"', contents) == re.findall(r'<section id="([^"]*)"', text)
    assert len(text) < 3_000_000


def test_every_figure_says_what_it_was_computed_from(text):
    page = Page(text)
    facts = DATA_HASH[:12], "divided into 2 folds"
    waiting = [c for c in page.captions if not all(fact in c for fact in facts)]
    assert len(page.captions) > 15
    # tables without a row of ours
    assert [c[:20] for c in waiting] == ["This run tests folds", "Grey: the paper’s ta"]
    # of whole recordings, by the spectrum that the toolbox has
    others = [c for c in page.captions if "bpm" in c and "grid of 0.1 bpm" not in c]
    assert [c[:34] for c in others] == ["The whole chain of rPPG-Toolbox, o"]
    assert "whole test recordings" in others[0]
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
    run = trained_run(tmp_path_factory.getbasetemp() / "models-data")[0]
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
    run = trained_run(tmp_path_factory.getbasetemp() / "models-data")[0]
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


def test_captions_have_a_space_after_every_stop(text):
    assert [c for c in Page(text).captions if re.search(r"[;,:][A-Za-z]|\.[A-Z]", c)] == []


def test_the_method_tells_a_recording_of_folds_once_and_one_thread_as_one(text, tmp_path):
    words, alone = words_of(text), words_of(report(tmp_path, TWO))
    assert "2 recordings (1,000 pairs of frames), each tested in one fold and trained on" in words
    assert "2 recordings to train (1,000 pairs of frames), 2 to test (1,198), virtual" in alone
    assert "cpu, 1 thread, x" in words


SMALL = """
found.small=[...document.querySelectorAll("figure svg,figure img")]
 .filter(one=>one.getBoundingClientRect().width<250).length;
"""


def test_a_browser_shows_it_without_fault_or_sideways_scroll(text, tmp_path):
    for found in see_in_browser(text, tmp_path, 1400, 400, script=SMALL + PAPER):
        assert found["over"] <= 0
        assert (found["wrong"], found["cut"], found["small"]) == ([], [], 0)
        assert found["width"] < 1400 or found["scrolls"] == []      # all columns on a laptop


PAPER = """
found.scrolls=[...document.querySelectorAll(".wide")]
 .map(one=>one.scrollWidth-one.clientWidth).filter(over=>over>1);
found.tables=document.querySelectorAll(".wide").length;
const size=one=>parseFloat(getComputedStyle(one).fontSize);
found.large=[...document.querySelectorAll(".wide .soft")]
 .filter(one=>size(one)>=size(one.closest("td"))).map(one=>one.outerHTML);
"""


def test_on_paper_every_column_of_every_table_is_there(text, tmp_path):
    on_paper = text.replace("@media print", "@media all")           # A4 is 718 px wide in between
    (found,) = see_in_browser(on_paper, tmp_path, 718, script=PAPER)
    assert found["tables"] >= 5
    assert found["over"] <= 0
    assert (found["scrolls"], found["cut"], found["large"]) == ([], [], [])


def test_the_head_names_the_recipe_and_the_method_lists_what_is_unlike_the_paper(text):
    found = metrics_of(TWO, people="virtual", folds=2, seeds=2)
    head = text.partition("<nav")[0]
    assert "Recipe <b>acq</b>" in head
    assert f"{len(found['beside_paper'])} values unlike the paper’s" in " ".join(head.split())
    rows = re.findall(r"<tr><td><code>([a-z_.]+)</code></td><td>(.*?)</td><td>(.*?)</td>", text)
    assert rows == [
        (value["key"], json.dumps(value["here"]), json.dumps(value["there"]))
        for value in found["beside_paper"]
    ]
