"""Networks beside teacher and student: they learn on easy people, and a late finger is noticed."""

from dataclasses import replace

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from acquire.errors import TrainingError
from models.data.videos import TrainingData, change_of_ppg
from models.distillation.distill import DistillConfig
from models.evaluation.assess import assess
from models.evaluation.read_net import open_to_read
from models.evaluation.video_result import colour_pulse, evaluate_pulse
from models.nets.checkpoint import save_checkpoint
from models.published_nets.registry import OWN
from models.training.beside import check_beside, choose_teacher, train_beside
from models.training.recipe import Recipe
from tests.support.easy_people import easy_person
from tests.support.tiny_nets import TINY

CPU = torch.device("cpu")
LEARNT = {"physnet": {"channels": (4, 6, 8), "size": 16, "clip": 64}, "pulsegan": {"clip": 128}}
EPOCHS = {"physnet": 4, "pulsegan": 25}


@pytest.fixture(scope="module")
def data():
    train = [easy_person(seed) for seed in range(4)]
    return TrainingData(train, [easy_person(101, seconds=14.0)], "split", "data")


def with_wrong_finger(video, *, late=0, flipped=False):
    """Return a video whose PPG is so many frames late, or upside down."""
    ppg = np.roll(video.ppg, late) * (-1 if flipped else 1)
    change = torch.from_numpy(change_of_ppg(ppg, video.time_s))
    return replace(video, ppg=ppg, ppg_change=change)


def train(name, data, **changed):
    recipe = Recipe(teacher_epochs=EPOCHS[name], precision="float32")
    config = OWN[name].config(**LEARNT[name])
    return train_beside(name, data, recipe, device=CPU, config=config, **changed)


@pytest.fixture(scope="module", params=LEARNT)
def learnt(request, data):
    return request.param, train(request.param, data)


def test_a_network_reads_a_person_whom_it_never_saw(learnt, data):
    name, trained = learnt
    (video,) = data.test
    green = assess([evaluate_pulse(colour_pulse("green", video), video)])
    figures = assess(trained.videos)
    assert green["mae_bpm"] > 5
    assert figures["mae_bpm"] < 1
    assert trained.videos[0].correlation > 0.5
    assert trained.videos[0].lag_s == pytest.approx(0, abs=0.05)
    assert len(trained.curve) == EPOCHS[name]


def test_a_checkpoint_reads_the_same(learnt, data, tmp_path):
    name, trained = learnt
    path = tmp_path / f"{name}.safetensors"
    save_checkpoint(path, trained.net, split_hash="s", data_hash="d", about={})
    read = open_to_read(path).read
    assert read(data.test[0]).predicted_bpm.tolist() == trained.videos[0].predicted_bpm.tolist()


@pytest.mark.parametrize(
    "changed", [pytest.param({"late": 5}, id="late"), pytest.param({"flipped": True}, id="flipped")]
)
def test_a_finger_that_is_wrong_is_learnt_as_it_is(changed, data):
    wrong = [with_wrong_finger(video, **changed) for video in data.train]
    trained = train("pulsegan", replace(data, train=wrong))
    result = trained.videos[0]
    assert not (result.correlation > 0.5 and abs(result.lag_s) <= 0.05)


def test_names_of_networks():
    assert check_beside(["pulsegan", "tscan", "tscan"]) == ("tscan", "pulsegan")
    assert check_beside(["all"]) == (*OWN,)
    with pytest.raises(TrainingError, match="found 'fysnet'; did you mean physnet"):
        check_beside(["fysnet"])


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        pytest.param({"teacher": "fysnet"}, "found 'fysnet' as the teacher; did you mean physnet",
                     id="unknown"),
        pytest.param({"teacher": "synrhythm"}, "a pulse, found SynRhythm, which predicts a rate",
                     id="a rate"),
        pytest.param(
            {"teacher": "physnet", "distill": DistillConfig(weight_pulse=0)},
            "PhysNet has no feature maps .*, found distill.weight_pulse: 0 in the recipe acq",
            id="nothing to learn",
        ),
        pytest.param({"teacher": "physnet", "init": "shipped"}, "the paper's teacher, .* PhysNet",
                     id="another start"),
    ],
)
def test_what_cannot_teach_is_refused(changed, words):
    with pytest.raises(TrainingError, match=words):
        choose_teacher(Recipe(**changed))


def test_the_papers_teacher_and_its_recipe_stay_as_they_are():
    assert choose_teacher(Recipe()) == Recipe()


@pytest.fixture(scope="module")
def short():
    """One person of 11 s, of whom 3 s can be learnt from."""
    person = easy_person(0, seconds=11.0)
    change = torch.full_like(person.ppg_change, torch.nan)
    change[100:190] = person.ppg_change[100:190]
    return TrainingData([replace(person, ppg_change=change)], [person], "", "")


@pytest.mark.parametrize("name", OWN)
def test_every_network_takes_a_step(name, short):
    recipe = Recipe(teacher_epochs=1, precision="bfloat16")
    config = OWN[name].config(**TINY[name])
    trained = train_beside(name, short, recipe, device=CPU, config=config)
    assert np.isfinite(trained.videos[0].predicted_bpm).all()
    assert all(weight.isfinite().all() for weight in trained.net.parameters())
    assert trained.ms_per_frame > 0
