"""A network is found by any of its names, and says what it is."""

import hashlib
import json
import re
from pathlib import Path

import pytest

pytest.importorskip("torch")

import numpy as np

from acq import extras, open_net
from acquire.errors import Fix, TrainingError
from models.board.find_net import (
    COMES_WITH_ACQ,
    check_none_is_gone,
    find_net,
    find_nets,
    find_run,
    find_trainings,
    in_all_folds,
    run_seed_and_net,
)
from models.board.onnx_net import SHIPPED
from models.evaluation.compare import compare_methods
from models.export.export import export
from tests.support.boards import make_untrained

RUN = "20260101T000000Z"


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    """A data folder with a run that was exported and one that was not."""
    data = tmp_path_factory.mktemp("data")
    for name in (RUN, "20260102T000000Z"):
        folder = make_untrained(data / "runs" / name)
        (folder / "metrics.json").write_text("{}")
    export(data / "runs" / RUN)
    return data


@pytest.mark.parametrize(
    ("named", "found"),
    [
        (RUN, f"{RUN}/board/student.onnx"),
        (f"runs/{RUN}", f"{RUN}/board/student.onnx"),
        (f"runs/{RUN}/board", f"{RUN}/board/student.onnx"),
        (f"runs/{RUN}/board/teacher.onnx", f"{RUN}/board/teacher.onnx"),
        (f"runs/{RUN}/teacher.safetensors", f"{RUN}/teacher.safetensors"),
        ("20260102T000000Z", "20260102T000000Z/student_kd.safetensors"),
    ],
)
def test_a_network_has_many_names(data, monkeypatch, named, found):
    monkeypatch.chdir(data)
    net = find_net(type(data)(named), data)
    assert str(net.path).endswith(found)
    assert net.run == found.partition("/")[0]
    assert net.is_checkpoint == found.endswith(".safetensors")


def test_without_a_name_it_is_the_one_that_comes_with_acq(data):
    net = find_net(None, data)
    assert net.path == SHIPPED / "student.onnx"
    assert ", which comes with acq (sha256 " in net.describe({"checkpoint": "student"})
    assert find_net(COMES_WITH_ACQ, data).path == net.path
    assert find_nets(COMES_WITH_ACQ / "student", data) == {
        "shipped/student": SHIPPED / "student.safetensors"
    }
    assert "shipped/student" in find_nets(COMES_WITH_ACQ, data)


@pytest.mark.parametrize(
    ("named", "says"),
    [
        ("20260101T00000Z", f"did you mean {RUN}?"),
        ("nowhere", "found nothing at nowhere"),
    ],
)
def test_a_name_that_is_none_is_told_with_the_nearest(data, named, says):
    with pytest.raises(TrainingError, match="an ONNX file, a checkpoint, a run") as caught:
        find_net(type(data)(named), data)
    assert says in str(caught.value)


def test_files_and_folders_of_other_kinds_are_refused(data, tmp_path):
    (tmp_path / "x.h5").touch()
    for named, says in ((tmp_path / "x.h5", "another kind"), (tmp_path, "without a student")):
        with pytest.raises(TrainingError, match=says) as caught:
            find_net(named, data)
        assert caught.value.fix is Fix.NAME_NET
    with pytest.raises(TrainingError, match="found a file"):
        find_run(tmp_path / "x.h5", data)


def test_of_a_run_of_folds_and_seeds_one_student_has_to_be_named(tmp_path):
    run = tmp_path / "runs" / RUN
    places = [run / f"seed{seed}" / f"fold{fold}" for seed in (10, 9) for fold in (2, 1)]
    for place in places:
        make_untrained(place, names=("student", "student_kd"))
    (run / "metrics.json").write_text("{}")
    words = r"expected one student, found a run of several folds or seeds with 4 of them at "
    for find in (find_net, lambda run, _: export(run)):
        with pytest.raises(TrainingError, match=words) as caught:
            find(run, tmp_path)
        first = run / "seed9" / "fold1" / "student_kd.safetensors"
        assert caught.value.fix == f"name one of them, such as {first}"
    assert find_net(first, tmp_path).run == RUN
    with pytest.raises(TrainingError, match="without a student"):
        find_net(run.parent, tmp_path)                      # several runs are none of several folds


def test_a_part_of_a_run_of_folds_and_seeds_is_every_fold_of_it(tmp_path):
    run = tmp_path / "runs" / RUN
    places = [run / f"seed{seed}" / f"fold{fold}" for seed in (0, 1) for fold in (1, 2)]
    for place in places:
        place.mkdir(parents=True)
        for name in ("teacher", "student"):
            (place / f"{name}.safetensors").touch()

    def found(*part):
        by_id = find_trainings(Path(RUN, *part), tmp_path)
        assert find_trainings(run.joinpath(*part), tmp_path) == by_id
        return list(by_id)

    names = [f"{RUN}/seed{seed}/{name}" for seed in (0, 1) for name in ("student", "teacher")]
    assert found() == names
    assert found("seed1") == names[2:]
    assert found("teacher") == names[1::2]
    assert found("seed0", "teacher.safetensors") == [names[1]]
    assert found("seed0", "physnet") == found("seed2") == []
    of_folds = [place / "student.safetensors" for place in places[:2]]
    assert find_trainings(Path(RUN, "student"), tmp_path)[names[0]] == of_folds
    # a checkpoint that is there is that one alone
    assert find_trainings(of_folds[0], tmp_path) == {}
    assert [run_seed_and_net(name) for name in (names[3], f"{RUN}/student", "student")] == [
        (RUN, "seed1", "teacher"), (RUN, "", "student"), ("", "", "student"),
    ]


@pytest.mark.parametrize(
    ("part", "fix"),
    [
        ("student_kdd", "did you mean {run}/student_kd or {run}/student?"),
        ("seed2", "did you mean {run}/seed1 or {run}/seed0?"),
        ("seed1/studentt", "did you mean {run}/seed1/student or {run}/seed0/student?"),
        ("seed0/fold1/student.safetensors", "did you mean {run}/seed0/student?"),
        ("fold9", "it has {run}/student, {run}/student_kd, {run}/seed0, {run}/seed1, "
                  "{run}/seed0/student, {run}/seed0/student_kd, {run}/seed1/student, "
                  "{run}/seed1/student_kd"),
    ],
)
def test_a_part_that_a_run_does_not_have_is_refused_with_those_near(tmp_path, part, fix):
    run = tmp_path / "runs" / RUN
    for place in [run / f"seed{seed}" / f"fold{fold}" for seed in (0, 1) for fold in (1, 2)]:
        place.mkdir(parents=True)
        for name in ("student", "student_kd"):
            (place / f"{name}.safetensors").touch()
    (run / "metrics.json").write_text("{}")
    said = f"expected a network or a seed of the run {RUN}, found '{RUN}/{part}'"
    with pytest.raises(TrainingError, match=re.escape(said)) as caught:
        compare_methods(tmp_path, [f"{RUN}/{part}"])
    assert caught.value.fix == fix.format(run=RUN)
    file = run / "seed1" / "fold2" / "student.safetensors"
    assert in_all_folds(file, tmp_path) == f"{RUN}/seed1/student"
    assert in_all_folds(file, tmp_path / "other") == f"{run}/seed1/student"
    assert in_all_folds(run / "student.safetensors", tmp_path) is None


def test_it_says_its_run_and_its_hash(data):
    live, net = open_net.open_pulse(type(data)(RUN), data)
    origin = net.origin(live.net.constants)
    assert origin["sha256"] == hashlib.sha256(net.path.read_bytes()).hexdigest()
    assert (origin["run"], origin["checkpoint"], origin["data_hash"]) == (
        RUN, "student_kd", "0" * 64,
    )
    assert net.describe(live.net.constants) == (
        f"student_kd of run {RUN} (sha256 {origin['sha256'][:12]})"
    )


def test_a_checkpoint_reads_what_its_export_reads(data):
    motion = np.random.default_rng(0).normal(size=(8, 3, 36, 36)).astype(np.float32)
    exported, _ = open_net.open_pulse(type(data)(RUN), data)
    checkpoint, net = open_net.open_pulse(data / "runs" / RUN / "student_kd.safetensors", data)
    assert net.is_checkpoint
    np.testing.assert_allclose(
        checkpoint.net.predict(motion), exported.net.predict(motion), atol=1e-6
    )
    assert checkpoint.net.constants["checkpoint"] == "student_kd"


def test_a_checkpoint_without_torch_is_one_clear_line(data, monkeypatch):
    monkeypatch.setattr(
        extras, "find_spec", lambda name: None if name == "torch" else object()
    )
    with pytest.raises(TrainingError, match=r"student_kd\.safetensors .*, found no torch in "):
        open_net.open_pulse(type(data)("20260102T000000Z"), data)
    open_net.open_pulse(type(data)(RUN), data)             # an export needs none


def test_a_part_of_a_run_of_which_a_network_is_gone_is_refused(tmp_path, monkeypatch):
    run = tmp_path / "runs" / RUN
    files = [
        f"seed{seed}/fold{fold}/{name}.safetensors"
        for seed in (0, 1) for fold in (1, 2) for name in ("teacher", "student")
    ]
    for file in files:
        (run / file).parent.mkdir(parents=True, exist_ok=True)
        (run / file).touch()
    (run / "metrics.json").write_text(json.dumps({"networks": dict.fromkeys(files, "0" * 64)}))

    check_none_is_gone(run, tmp_path)
    (run / "seed1" / "fold2" / "teacher.safetensors").unlink()
    whole = ("seed0", "student", "seed1/student", "seed1/fold1", "seed1/nothing")
    named = {name: Path(RUN, name) for name in (*whole, "", "seed1", "teacher", "seed1/teacher")}
    named |= {f"{name} as a path": run / name for name in (*named, "seed1/fold2")}
    for name, path in named.items():
        if name.removesuffix(" as a path") in whole:
            check_none_is_gone(path, tmp_path)
        else:
            with pytest.raises(TrainingError, match=r"seed1/fold2/teacher.*, found nothing at"):
                check_none_is_gone(path, tmp_path)
    monkeypatch.chdir(run / "seed1")
    with pytest.raises(TrainingError, match="found nothing at"):
        check_none_is_gone(Path("fold2"), tmp_path)
    for path in (Path("fold1"), COMES_WITH_ACQ, Path("nothing")):
        check_none_is_gone(path, tmp_path)
