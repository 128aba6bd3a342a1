"""Small curated folders to train on, and runs without the drawings of a report."""

import pytest


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    from tests.support.curated_folders import three_entries, write_curated_folders

    return write_curated_folders(tmp_path_factory.mktemp("experiment"), three_entries())


@pytest.fixture
def no_report(monkeypatch):
    """Spare a test of figures or weights the drawings, a third of a short run."""
    monkeypatch.setattr("models.report.write.write_report", lambda *_, **__: None)
