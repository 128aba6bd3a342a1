"""A teacher that starts from another: which one, and from whom that had learnt."""

from dataclasses import replace

import pytest

torch = pytest.importorskip("torch")

from acquire.errors import Fix, TrainingError
from dataset.people import LearntFrom, Person
from models.board import find_net
from models.data.videos import TrainingData
from models.nets.can import Student, Teacher, TeacherConfig
from models.nets.checkpoint import save_checkpoint
from models.training.recipe import Recipe
from models.training.teacher_init import (
    check_not_tested,
    keep_copy,
    load_copy,
    read_teacher_init,
    recipe_of_teacher,
)
from models.training.train import train_networks
from tests.support.curated_videos import made_video
from tests.support.stand_ins import DRAWN, stand_in_teacher

SHIPPED = find_net.COMES_WITH_ACQ


def made_data(*, virtual=True, seed=0):
    """Return two people to train on, S1 and S2, and S3 to test."""
    videos = [
        replace(made_video(seed=n), simulated=virtual, virtual_seed=seed if virtual else None)
        for n in range(3)
    ]
    return TrainingData(videos[:2], videos[2:], "s" * 64, "d" * 64)


def start_of(tmp_path, *people, hashes=("3" * 64,)):
    learnt_from = LearntFrom(people, data_hashes=hashes)
    path = stand_in_teacher(tmp_path / "t.safetensors", learnt_from=learnt_from)
    return read_teacher_init(path, tmp_path)


def test_the_one_that_comes_with_acq_is_asked_for_by_name(tmp_path, monkeypatch):
    monkeypatch.setattr(find_net, "SHIPPED", tmp_path / "weights")
    assert not find_net.has_shipped_teacher()
    with pytest.raises(TrainingError, match="teacher that comes with acq, found none in this inst"):
        read_teacher_init(SHIPPED, tmp_path)
    path = stand_in_teacher(tmp_path / "weights" / "teacher.safetensors")
    assert find_net.has_shipped_teacher()
    init = read_teacher_init(SHIPPED, tmp_path / "data")
    assert init.file.path == path
    told = init.as_dict()
    assert (told["named"], told["run"]) == ("shipped", None)
    elsewhere = read_teacher_init(path, tmp_path / "data")
    assert elsewhere.named == "teacher.safetensors"
    assert told["people"] == DRAWN.as_dict()
    assert told["people_in_words"] == "virtual people drawn anew for each batch (seed 0)"


def test_a_run_is_named_by_its_id_and_one_of_several_has_to_be_chosen(tmp_path):
    runs = tmp_path / "runs"
    path = stand_in_teacher(runs / "20260101T000000Z" / "teacher.safetensors")
    init = read_teacher_init(type(path)("20260101T000000Z"), tmp_path)
    assert (init.file.path, init.named) == (path, "runs/20260101T000000Z/teacher.safetensors")
    fold = stand_in_teacher(runs / "20260102T000000Z" / "fold1" / "teacher.safetensors")
    with pytest.raises(TrainingError, match="a run of several") as caught:
        read_teacher_init(type(path)("20260102T000000Z"), tmp_path)
    assert str(fold) in str(caught.value)
    with pytest.raises(TrainingError, match="did you mean 20260101T000000Z"):
        read_teacher_init(type(path)("20260101T00000Z"), tmp_path)


@pytest.mark.parametrize(
    ("made", "says"),
    [
        pytest.param({"net": Student()}, "a teacher, found one of a Student", id="a student"),
        pytest.param({"net": Teacher(TeacherConfig(hidden=64))}, "published sizes", id="a smaller"),
        pytest.param({"learnt_from": None}, "says whom it has learnt from", id="of nobody"),
    ],
)
def test_what_is_no_teacher_or_does_not_say_its_people_is_refused(tmp_path, made, says):
    path = stand_in_teacher(tmp_path / "t.safetensors", **made)
    with pytest.raises(TrainingError, match=says):
        read_teacher_init(path, tmp_path)
    (tmp_path / "t.onnx").touch()
    with pytest.raises(TrainingError, match="a file of another kind") as caught:
        read_teacher_init(tmp_path / "t.onnx", tmp_path)
    assert caught.value.fix is Fix.NAME_NET


@pytest.mark.parametrize(
    ("of_file", "of_recipe"), [("difference", "normalised"), ("normalised", "difference")]
)
def test_a_start_that_reads_another_motion_is_refused(tmp_path, of_file, of_recipe):
    about = {"people": DRAWN.as_dict(), "recipe": {"motion": of_file}}
    path = tmp_path / "t.safetensors"
    save_checkpoint(path, Teacher(), split_hash="2" * 64, data_hash="3" * 64, about=about)
    assert read_teacher_init(path, tmp_path, of_file).named == "t.safetensors"
    words = f"has the scale of the recipe's, '{of_recipe}', found one that reads '{of_file}"
    with pytest.raises(TrainingError, match=words):
        read_teacher_init(path, tmp_path, of_recipe)


def test_a_start_of_the_same_scale_is_taken(tmp_path):
    about = {"people": DRAWN.as_dict(), "recipe": {"motion": "normalised"}}
    path = tmp_path / "t.safetensors"
    save_checkpoint(path, Teacher(), split_hash="2" * 64, data_hash="3" * 64, about=about)
    assert read_teacher_init(path, tmp_path, "standardised").named == "t.safetensors"


@pytest.mark.parametrize(
    ("person", "data", "refused"),
    [
        pytest.param(Person("S3", "real"), made_data(virtual=False), True, id="real"),
        pytest.param(Person("S03", "virtual", 0), made_data(), True, id="virtual"),
        pytest.param(Person("S3", "virtual", 1), made_data(), False, id="of another seed"),
        pytest.param(Person("S3", "virtual", 0), made_data(virtual=False), False, id="not real"),
        pytest.param(Person("S3"), made_data(), True, id="of an earlier version"),
        pytest.param(Person("S1", "virtual", 0), made_data(), False, id="trained on only"),
    ],
)
def test_nobody_is_tested_from_whom_it_has_learnt(tmp_path, person, data, refused):
    init = start_of(tmp_path, person)
    if refused:
        with pytest.raises(TrainingError, match=r"S3 among the people that .* in .*t\.safet"):
            check_not_tested(init, [data])
    else:
        check_not_tested(init, [data])


def test_only_the_teacher_starts_from_it(tmp_path):
    data, recipe = made_data(), Recipe(epochs=1, teacher_epochs=1, learning_rate=1e-9)
    data = replace(data, test=[])
    init = start_of(tmp_path)
    keep_copy(init, tmp_path / "states")
    start = load_copy(tmp_path / "states")
    assert load_copy(tmp_path) is None
    assert start is not None
    options = {"device": torch.device("cpu")}
    alone, started = (train_networks(data, recipe, init=net, **options) for net in (None, start))

    def weight(networks, name):
        return next(iter(networks[name].net.parameters())).detach()

    torch.testing.assert_close(
        weight(started, "teacher"), next(iter(start.parameters())).detach(), atol=1e-6, rtol=0
    )
    assert (weight(started, "teacher") - weight(alone, "teacher")).abs().max() > 0.01
    for name in ("student", "student_kd"):
        torch.testing.assert_close(
            weight(started, name), weight(alone, name), atol=1e-6, rtol=0
        )
    assert recipe_of_teacher(recipe, None) == recipe
    assert recipe_of_teacher(recipe, start).learning_rate < recipe.learning_rate
