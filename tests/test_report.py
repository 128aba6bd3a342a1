import re
from html.parser import HTMLParser

import pytest

torch = pytest.importorskip("torch")

from curated_folders import curate, entry  # noqa: E402
from test_train import whole_run  # noqa: E402

from models.report import _head  # noqa: E402
from models.report_published import hold_out  # noqa: E402
from models.report_tables import results  # noqa: E402
from models.run import train_kd  # noqa: E402
from models.train import Recipe  # noqa: E402


class Page(HTMLParser):
    """Collect what a browser would fetch, and whether tags close."""

    VOID = ("meta", "img", "br", "link")

    def __init__(self, text):
        super().__init__()
        self.fetched, self.ids, self.used, self.open = [], [], [], []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        for key, value in attrs:
            if key == "id":
                self.ids.append(value)
            if key in ("src", "href"):
                (self.used if value.startswith("#") else self.fetched).append(value.lstrip("#"))
        assert tag not in ("script", "link", "iframe")
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.handle_starttag(tag, attrs)
        if tag not in self.VOID:
            self.open.pop()

    def handle_endtag(self, tag):
        assert self.open.pop() == tag


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    return tmp_path_factory.getbasetemp() / "models-data"      # as in test_train, so that it is made once


@pytest.fixture(scope="module")
def metrics(data):
    return whole_run(data)[0].metrics


@pytest.fixture(scope="module")
def text(data):
    return whole_run(data)[0].report.read_text()


def test_opens_offline(text):
    page = Page(text)
    assert page.open == []
    assert "http" not in text
    assert all(address.startswith("data:image/png;base64,") for address in page.fetched)
    assert len(set(page.ids)) == len(page.ids)
    assert set(page.used) <= set(page.ids)
    assert set(re.findall(r"url\(#([^)]*)\)", text)) <= set(page.ids)


def test_says_what_it_was_computed_from(text, metrics):
    for fact in (metrics["data_hash"], metrics["split_hash"], "795,811", "24,769", "S03", "0.1 bpm", "Simulated data"):
        assert fact in text
    for name in ("teacher", "student", "student_kd"):
        assert f'{metrics["methods"][name]["mae_bpm"]:.3f} / {metrics["methods"][name]["rmse_bpm"]:.3f}' in text
    for figure in ("0.956 / 1.580", "4.559 / 9.686", "3.444 / 7.298", "2.518 / 6.208"):
        assert figure in text


def test_no_address_of_this_machine(text, data):
    assert str(data) not in text


def test_virtual_faces_are_shown_and_real_ones_never(tmp_path):
    curate(tmp_path, [entry(1, "train", "S01", simulated=False), entry(2, "test", "S02", simulated=False)])
    result = train_kd(tmp_path, recipe=Recipe(epochs=1, teacher_epochs=1), device="cpu")
    text = result.report.read_text()
    assert "data:image" not in text
    assert "Simulated data" not in text
    assert "Real faces are not shown" in text
    assert "this run, real subjects" in text


def test_mixed_data_is_not_called_virtual(metrics):
    mixed = dict(metrics, people="virtual and real")
    page = _head(mixed) + results(mixed) + hold_out(mixed)
    assert "Every subject here is virtual" not in page
    assert "Partly simulated data" in page
    assert "this run, virtual and real subjects" in page


def test_a_virtual_face_is_in_the_picture(text):
    assert text.count("data:image/png") == 3
    assert text.count("<svg") >= 4
