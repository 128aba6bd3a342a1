"""The teacher that comes with acq: what it is, what it reads, and whom it has learnt from."""

import pytest

torch = pytest.importorskip("torch")

from dataset.people import Person
from models.board.find_net import COMES_WITH_ACQ, TEACHER
from models.board.onnx_net import SHIPPED
from models.drawn.batches import DrawnClips
from models.nets.can import Student, Teacher, count_parameters
from models.nets.checkpoint import load_checkpoint
from models.training.teacher_init import read_teacher_init

NOT_LEARNT_FROM = 77        # a seed of drawn people that no training had


@pytest.fixture(scope="module")
def teacher():
    return load_checkpoint(SHIPPED / TEACHER)


def test_it_has_the_published_size(teacher):
    assert isinstance(teacher.net, Teacher)
    assert count_parameters(teacher.net) == 795_811
    assert (SHIPPED / TEACHER).stat().st_size < 3_300_000


def test_it_reads_drawn_people_of_another_seed_better_than_the_student(teacher):
    student = load_checkpoint(SHIPPED / "student.safetensors").net
    assert isinstance(student, Student)
    clips = DrawnClips(
        clips=16, pairs=64, per_epoch=1, seed=NOT_LEARNT_FROM, device=torch.device("cpu")
    )
    (batch,) = clips.epoch(0)

    def likeness(net):
        with torch.no_grad():
            pulse = net.eval()(batch.motion, batch.appearance).pulse
        return float(torch.corrcoef(torch.stack([pulse, batch.ppg_change.flatten()]))[0, 1])

    assert likeness(teacher.net) > likeness(student) > 0.4


def test_it_says_whom_it_has_learnt_from_and_no_demo_has_them(tmp_path):
    learnt_from = read_teacher_init(COMES_WITH_ACQ, tmp_path).learnt_from
    assert "virtual people drawn anew for each batch" in str(learnt_from)
    assert {person.nature for person in learnt_from.named} == {"virtual"}
    demos = [
        Person(f"S{number:02d}", "virtual", seed) for number in range(1, 17) for seed in range(20)
    ]
    assert learnt_from.who_of(demos) == []
    assert learnt_from.who_of([Person("S5001", "virtual", 61)]) == ["S5001"]
    assert NOT_LEARNT_FROM not in {drawn.seed for drawn in learnt_from.drawn}
