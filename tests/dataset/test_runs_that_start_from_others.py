"""A run whose teacher started from another network is of that network's people, too."""

import json
import shutil

import pytest

from dataset.common.files import sha256_of
from dataset.people import Drawn, LearntFrom, Person
from dataset.run_results import read_run_results
from dataset.runs import BEGUN_WITH, METRICS, read_training_runs
from dataset.verify.result import References, Verification
from dataset.verify.training_runs import verify_training_runs
from dataset.withdraw.find_files import find_subject_files
from tests.support.made_runs import make_run

FIRST, CHAINED, ALONE, SHIPPED = (f"2026010{n}T000000Z" for n in range(1, 5))


@pytest.fixture
def data(tmp_path):
    """A data folder with a run, one that started from it, one from scratch, one from acq's own."""
    first = make_run(tmp_path, FIRST, train=("S01", "S02"), test=("S03",), data_hash="a" * 64)
    people = LearntFrom(
        (Person("S01", "real"), Person("S02", "real")), data_hashes=("a" * 64,)
    )
    start = {
        "named": f"runs/{FIRST}/student.safetensors",
        "sha256": sha256_of(first / "student.safetensors"), "people": people.as_dict(),
    }
    of = {"train": ("S04",), "test": ("S05",), "data_hash": "b" * 64}
    make_run(tmp_path, CHAINED, started_from=start, **of)
    make_run(tmp_path, ALONE, **of)
    drawn = {**start, "named": "shipped", "people": LearntFrom(drawn=(Drawn(0),)).as_dict()}
    make_run(tmp_path, SHIPPED, started_from=drawn, **of)
    return tmp_path


def runs_of(data, subject):
    return [run.folder.name for run in find_subject_files(data, subject).runs]


def test_a_withdrawal_finds_the_runs_that_started_from_what_had_learnt_from_a_subject(data):
    assert runs_of(data, "S01") == [FIRST, CHAINED]
    assert runs_of(data, "S04") == [CHAINED, ALONE, SHIPPED]
    shutil.rmtree(data / "runs" / FIRST)               # what it started from may be gone
    assert runs_of(data, "S01") == [CHAINED]
    folder = data / "runs" / CHAINED                   # and it may not have ended
    begun = json.loads((folder / METRICS).read_text())
    (folder / METRICS).unlink()
    (folder / BEGUN_WITH).write_text(json.dumps(begun))
    folder = folder.rename(folder.with_name(f".{CHAINED}.part"))
    assert runs_of(data, "S01") == [folder.name]
    assert read_training_runs(data)[0].learnt_before == ("S01", "S02")


def test_the_table_of_runs_names_what_a_teacher_started_from(data):
    assert [row.started_from for row in read_run_results(data)] == [
        "", f"runs/{FIRST}/student.safetensors", "", "shipped",
    ]


def found(data):
    verification = Verification()
    verify_training_runs(data, verification, References())
    return [
        (finding.kind, finding.text) for finding in verification.findings
        if "its teacher started from" in finding.text
    ]


def test_verify_compares_what_a_teacher_started_from(data):
    assert found(data) == []
    path = data / "runs" / FIRST / "student.safetensors"
    path.write_bytes(path.read_bytes()[:-4] + b"\0\0\1\0")
    ((kind, text),) = found(data)
    assert (kind, "which is another now" in text) == ("stale", True)
    path.unlink()
    ((kind, text),) = found(data)
    assert (kind, str(path) in text) == ("unchecked", True)
