"""Training runs are read from their metrics and from the headers of their checkpoints."""

import json

import pytest

from acquire.errors import Fix, TrainingError
from dataset.run_results import read_run_results
from dataset.runs import BEGUN_WITH, newest_training_run, read_training_runs
from tests.support.made_runs import make_run


def test_a_whole_run(tmp_path):
    make_run(tmp_path, "20260101T000000Z", train=("S01", "S02"), test=("S03",), data_hash="a" * 64)
    (run,) = read_training_runs(tmp_path)
    assert (run.train, run.test, run.data_hash) == (("S01", "S02"), ("S03",), "a" * 64)
    assert run.checkpoints == {"student.safetensors": "a" * 64}
    assert run.data_hashes == {"a" * 64}
    assert run.problems == ()


def test_an_unfinished_run_has_checkpoints_alone(tmp_path):
    make_run(tmp_path, ".20260101T000000Z.part", data_hash="a" * 64, metrics=False)
    (run,) = read_training_runs(tmp_path)
    assert (run.train, run.test, run.data_hash) == ((), (), "")
    assert run.data_hashes == {"a" * 64}
    assert ["metrics.json" in problem.facts for problem in run.problems] == [True]


@pytest.mark.parametrize(
    ("change", "text"),
    [
        pytest.param({"subjects": {"train": ["S01"]}}, "missing required field test", id="a side"),
        pytest.param(
            {"subjects": {"train": "S01", "test": []}}, "text instead of", id="not a list"
        ),
        pytest.param({"data_hash": 5}, "a whole number instead of text", id="hash a number"),
    ],
)
def test_metrics_that_cannot_be_read_are_named(tmp_path, change, text):
    folder = make_run(tmp_path, "20260101T000000Z", train=("S01",))
    path = folder / "metrics.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), **change}))
    (run,) = read_training_runs(tmp_path)
    (problem,) = run.problems
    assert text in problem.facts
    assert str(path) in problem.facts
    assert run.checkpoints


def test_what_an_interrupted_run_was_begun_with_names_the_run_where_it_cannot_be_read(tmp_path):
    folder = make_run(tmp_path, ".20260101T000000Z.part", metrics=False)
    (folder / BEGUN_WITH).write_text("{")
    (run,) = read_training_runs(tmp_path)
    (problem,) = run.problems
    assert (problem.fix, problem.of) == (Fix.REMOVE_RUN, "20260101T000000Z")
    (row,) = read_run_results(tmp_path)
    assert row.state == "damaged"
    assert row.problems == (str(problem),)


@pytest.mark.parametrize(
    ("name", "net", "is_right"),
    [
        ("student", "student", True), ("student_kd", "student", True),
        ("teacher", "teacher", True), ("physnet", "physnet", True), ("teacher", "physnet", True),
        ("student_kd", "teacher", False), ("student", "physnet", False),
        ("teacher", "student", False), ("physnet", "student", False),
    ],
)
def test_a_checkpoint_of_another_network_than_its_name_says_is_named(tmp_path, name, net, is_right):
    plain = make_run(tmp_path, "20260101T000000Z") / "student.safetensors"
    length = int.from_bytes(plain.read_bytes()[:8], "little")
    header = json.loads(plain.read_bytes()[8 : 8 + length])
    plain.unlink()
    header["__metadata__"]["net"] = json.dumps(net)
    text = json.dumps(header).encode()
    path = plain.with_stem(name)
    path.write_bytes(len(text).to_bytes(8, "little") + text + bytes(4))
    (run,) = read_training_runs(tmp_path)
    assert [str(problem) for problem in run.problems] == [] if is_right else [
        f"expected a {name.removesuffix('_kd')}, as the file's name says, found a {net} in {path}; "
        "train again"
    ]


@pytest.mark.parametrize(
    ("damage", "text"),
    [
        pytest.param(lambda body: body + b"x", "bytes instead of", id="too long"),
        pytest.param(lambda body: body[:-2], "bytes instead of", id="too short"),
        pytest.param(lambda body: body[:20], "a whole checkpoint", id="header cut"),
        pytest.param(lambda body: b"\xff" * 8 + body[8:], "a header of", id="length"),
        pytest.param(lambda body: b"", "a header of 0 bytes", id="empty"),
        pytest.param(
            lambda body: body.replace(b"data_hash", b"data_hush"), "field data_hash", id="no hash"
        ),
        pytest.param(
            lambda body: (2).to_bytes(8, "little") + b"[]", "a list instead of", id="a list"
        ),
    ],
)
def test_a_checkpoint_that_is_not_whole_is_named(tmp_path, damage, text):
    path = make_run(tmp_path, "20260101T000000Z") / "student.safetensors"
    path.write_bytes(damage(path.read_bytes()))
    (run,) = read_training_runs(tmp_path)
    (problem,) = run.problems
    assert text in problem.facts
    assert str(path) in problem.facts
    assert problem.fix is Fix.TRAIN_AGAIN
    assert run.checkpoints == {}


def test_the_newest_run_is_the_one_that_began_last_and_ended(tmp_path):
    with pytest.raises(TrainingError, match="expected a run, found none in") as caught:
        newest_training_run(tmp_path)
    assert caught.value.fix is Fix.TRAIN
    for name in (
        "20260101T000000Z", "20260102T000000Z", "20260102T000000Z-2", "20260102T000000Z-10",
        ".20260103T000000Z.part",
    ):
        make_run(tmp_path, name)
    assert newest_training_run(tmp_path).name == "20260102T000000Z-10"
