"""A checkpoint in a run is held against the hash of what the run wrote under its name."""

import hashlib
import json
import shutil

import pytest

torch = pytest.importorskip("torch")

from acquire.errors import TrainingError
from dataset.verify.result import References, Verification
from dataset.verify.training_runs import verify_training_runs
from models.evaluation.read_net import open_to_read
from models.export.export import export
from models.nets.can import Student
from models.nets.checkpoint import load_checkpoint, save_checkpoint

RUN = "20260101T000000Z"


@pytest.fixture
def data(tmp_path):
    """Write a run of two folds as `acq train-kd` does, but for its training."""
    folder = tmp_path / "runs" / RUN
    hashes = {}
    for seed, name in enumerate(("student", "student_kd", "fold2/student")):
        torch.manual_seed(seed)
        path = folder / f"{name}.safetensors"
        path.parent.mkdir(parents=True, exist_ok=True)
        save_checkpoint(path, Student(), split_hash="1" * 64, data_hash="0" * 64, about={})
        hashes[f"{name}.safetensors"] = hashlib.sha256(path.read_bytes()).hexdigest()
    write_metrics(folder, networks=hashes)
    return tmp_path


def write_metrics(folder, **more):
    body = {"subjects": {"train": ["S01"], "test": ["S02"]}, "data_hash": "0" * 64, **more}
    (folder / "metrics.json").write_text(json.dumps(body))


def verify(data):
    verification = Verification()
    verify_training_runs(data, verification, References())
    return [(finding.kind, finding.text) for finding in verification.findings]


def test_networks_as_they_were_written_are_checked_and_whole(data):
    assert verify(data) == []
    for path in (data / "runs" / RUN).rglob("*.safetensors"):
        load_checkpoint(path)


@pytest.mark.parametrize(
    ("source", "found"),
    [
        pytest.param("student", "what it wrote as student.safetensors", id="of the same run"),
        pytest.param(None, "another", id="of another run"),
    ],
)
def test_another_student_under_a_name_is_refused_by_all_who_read_it(data, tmp_path, source, found):
    folder = data / "runs" / RUN
    path = folder / "student_kd.safetensors"
    if source:
        shutil.copyfile(folder / f"{source}.safetensors", path)
    else:
        save_checkpoint(path, Student(), split_hash="1" * 64, data_hash="0" * 64, about={})
    said = (
        f"expected the network that the run wrote as student_kd.safetensors, found {found} at "
        f"{path}; bring it back from a copy of the run, or train again"
    )
    assert verify(data) == [("broken", said)]
    for read in (load_checkpoint, open_to_read, lambda net: export(net, out=tmp_path / "board")):
        with pytest.raises(TrainingError) as caught:
            read(path)
        assert str(caught.value) == said
    load_checkpoint(folder / "student.safetensors")


@pytest.mark.parametrize("name", ["../../else.safetensors", "/dev/zero", "a\nb.safetensors"])
def test_nothing_outside_of_the_run_is_read_for_its_networks(data, name):
    folder = data / "runs" / RUN
    write_metrics(folder, networks={name: "0" * 64})
    ((_, text), _) = verify(data)
    assert f"found {name!r} instead of the file of a network" in text
    with pytest.raises(TrainingError, match="instead of the file of a network"):
        load_checkpoint(folder / "student.safetensors")


def test_a_network_that_is_gone_is_told(data):
    (data / "runs" / RUN / "fold2" / "student.safetensors").unlink()
    ((kind, text),) = verify(data)
    assert kind == "broken"
    assert "wrote as fold2/student.safetensors, found nothing at " in text


def test_of_a_run_of_an_earlier_version_nothing_is_known(data):
    folder = data / "runs" / RUN
    write_metrics(folder)
    shutil.copyfile(folder / "student.safetensors", folder / "student_kd.safetensors")
    load_checkpoint(folder / "student_kd.safetensors")
    assert verify(data) == [(
        "unchecked", f"weights in {data / 'runs'}, of {RUN}: no hash of them is kept, only headers "
        "and lengths were compared",
    )]


def test_a_file_that_the_run_did_not_write_is_not_its(data):
    folder = data / "runs" / RUN
    shutil.copyfile(folder / "student.safetensors", folder / "mine.safetensors")
    load_checkpoint(folder / "mine.safetensors")
