"""Teacher and student together: gradients, weights, and losses that can be overfitted."""

import pytest

torch = pytest.importorskip("torch")

from models.data.clips import Batch, Clips
from models.distillation.distill import Distillation, DistillConfig, label_loss
from models.distillation.tat import reconfigure
from models.nets.can import Student, Teacher
from models.training.fit import fit
from models.training.named_recipes import read_recipe
from models.training.recipe import Recipe
from tests.support.curated_videos import made_video

CPU = torch.device("cpu")


def some_batch(clips=4, clip=2):
    return Batch(
        torch.randn(clips * clip, 3, 36, 36), torch.rand(clips, 3, 36, 36),
        torch.randn(clips * clip),
    )


@pytest.mark.parametrize("kd", ["tat", "fitnet", "at"])
def test_gradient_in_every_student_parameter_and_none_in_the_teacher(kd):
    torch.manual_seed(0)
    teacher = Teacher()
    whole = Distillation(Student(), teacher, DistillConfig(kd=kd))
    before = {name: value.clone() for name, value in teacher.state_dict().items()}
    whole.train()
    loss, parts, _ = whole(some_batch())
    loss.backward()
    for name, parameter in whole.named_parameters():
        assert parameter.grad is not None, name
        assert torch.isfinite(parameter.grad).all(), name
        # A bias before batch normalisation has no effect, and so no gradient but rounding.
        if not name.endswith("0.0.bias"):
            assert parameter.grad.abs().sum() > 0, name
    assert set(parts) == {"label", "middle", "last", "pulse"}
    assert not teacher.training
    assert all(parameter.grad is None for parameter in teacher.parameters())
    for name, value in teacher.state_dict().items():
        assert torch.equal(value, before[name]), name


def test_of_a_teacher_without_maps_the_answer_alone_is_learnt():
    torch.manual_seed(0)
    whole = Distillation(Student(), None, DistillConfig(weight_pulse=1.5)).eval()
    batch = some_batch()._replace(answer=torch.randn(8))
    loss, parts, predicted = whole(batch)
    torch.testing.assert_close(parts["pulse"], (predicted - batch.answer).square().mean())
    torch.testing.assert_close(loss, parts["label"] + 1.5 * parts["pulse"])
    assert set(parts) == {"label", "pulse"}
    assert not len(whole.features)


def test_the_teacher_is_no_part_of_what_is_trained():
    student = Student()
    whole = Distillation(student, Teacher(), DistillConfig())
    ours = {id(p) for module in (student, *whole.features.values()) for p in module.parameters()}
    assert {id(p) for p in whole.parameters()} == ours


def test_loss_is_the_weighted_sum_of_its_parts():
    torch.manual_seed(0)
    config = DistillConfig(weight_middle=0.3, weight_last=2.0, weight_pulse=1.5)
    whole = Distillation(Student(), Teacher(), config).train()
    loss, parts, _ = whole(some_batch())
    expected = parts["label"] + 0.3 * parts["middle"] + 2.0 * parts["last"] + 1.5 * parts["pulse"]
    torch.testing.assert_close(loss.detach(), expected)


def test_the_recipe_paper_is_the_papers_loss():
    """TaT1 + TaT2 + MSE of weights 1: every frame, whole maps as they are, a sum of squares."""
    torch.manual_seed(0)
    student, teacher, batch = Student(), Teacher(), some_batch()
    whole = Distillation(student, teacher, read_recipe("paper").distill).eval()
    loss, parts, predicted = whole(batch)
    with torch.no_grad():
        maps, target = student(batch.motion), teacher(batch.motion, batch.appearance)
    expected = (predicted - batch.ppg_change).square().mean().detach()
    for level, feature_loss in whole.features.items():
        ours, theirs = getattr(maps, level), getattr(target, level)
        rebuilt = reconfigure(
            feature_loss.query(ours), feature_loss.value(ours), theirs, softmax="code"
        )
        expected += (rebuilt - theirs).square().sum(dim=(1, 2, 3)).mean().detach()
    assert {*parts} == {"label", "middle", "last"}
    torch.testing.assert_close(loss.detach(), expected)


@pytest.mark.parametrize("off", [{"weight_middle": 0.0, "weight_last": 0.0}, {"kd": "none"}])
def test_without_weights_it_is_the_student_alone(off):
    torch.manual_seed(0)
    batch, student = some_batch(), Student().eval()
    whole = Distillation(student, Teacher(), DistillConfig(weight_pulse=0.0, **off)).eval()
    loss, parts, _ = whole(batch)
    torch.testing.assert_close(loss, label_loss(student(batch.motion).pulse, batch))
    assert set(parts) == {"label"}


@pytest.mark.parametrize("levels", ["middle", "last"])
def test_one_level_alone(levels):
    torch.manual_seed(0)
    _, parts, _ = Distillation(
        Student(), Teacher(), DistillConfig(levels=levels, weight_pulse=0.0)
    )(some_batch())
    assert set(parts) == {"label", levels}


def test_the_teachers_answer_is_asked_of_every_clip():
    torch.manual_seed(0)
    batch, teacher = some_batch(clips=4, clip=3), Teacher().eval()
    whole = Distillation(Student(), teacher, DistillConfig(share=0.25)).eval()
    expected = (
        (whole.student(batch.motion).pulse - teacher(batch.motion, batch.appearance).pulse)
        .square()
        .mean()
    )
    torch.testing.assert_close(whole(batch)[1]["pulse"], expected.detach())


@pytest.mark.parametrize("changes", [True, False])
def test_tat_is_measured_on_the_share_of_the_clips(changes):
    torch.manual_seed(0)
    batch, teacher = some_batch(clips=4, clip=3), Teacher().eval()
    whole = Distillation(Student(), teacher, DistillConfig(share=0.5, changes=changes)).eval()
    first = Batch(batch.motion[:6], batch.appearance[:2], batch.ppg_change[:6])
    said, wanted = whole.student(first.motion), teacher(first.motion, first.appearance)
    expected = whole.features["last"](said.last, wanted.last, clip=3 if changes else 1)
    torch.testing.assert_close(whole(batch)[1]["last"], expected.detach())


@pytest.mark.parametrize("form", [{"softmax": "paper"}, {"softmax": "code"}, {"kd": "fitnet"}])
def test_overfits_four_clips(form):
    torch.manual_seed(0)
    recipe = Recipe(
        clip=8, batch_clips=4, learning_rate=3e-3, weight_decay=0.0, precision="float32"
    )
    clips = Clips(
        [made_video(8, seed=number) for number in range(4)], clip=8, batch=4, seed=0, device=CPU
    )
    whole = Distillation(Student(), Teacher(), DistillConfig(weight_pulse=0.0, **form))
    whole.student.drop.p = 0.0
    curve = fit(whole, lambda batch: whole(batch)[:2], clips, recipe, epochs=20)
    assert curve[-1]["label"] < 0.15 < 0.3 < curve[0]["label"]
    assert curve[-1]["middle"] < curve[0]["middle"]
    assert curve[-1]["last"] < curve[0]["last"]


def test_attention_transfer_brings_the_maps_together():
    torch.manual_seed(0)
    recipe = Recipe(
        clip=8, batch_clips=2, learning_rate=6e-3, weight_decay=0.0, precision="float32"
    )
    clips = Clips(
        [made_video(8, seed=number) for number in range(2)], clip=8, batch=2, seed=0, device=CPU
    )
    whole = Distillation(
        Student(), Teacher(),
        DistillConfig(kd="at", weight_pulse=0.0, weight_middle=100.0, weight_last=100.0),
    )
    whole.student.drop.p = 0.0
    curve = fit(whole, lambda batch: whole(batch)[:2], clips, recipe, epochs=30)
    assert curve[-1]["middle"] < 0.8 * curve[0]["middle"]
    assert curve[-1]["last"] < 0.8 * curve[0]["last"]


def test_learns_the_teachers_answer():
    torch.manual_seed(0)
    recipe = Recipe(
        clip=8, batch_clips=2, learning_rate=3e-3, weight_decay=0.0, precision="float32"
    )
    clips = Clips(
        [made_video(8, seed=number) for number in range(2)], clip=8, batch=2, seed=0, device=CPU
    )
    whole = Distillation(Student(), Teacher(), DistillConfig(kd="none", weight_pulse=30.0))
    whole.student.drop.p = 0.0
    curve = fit(whole, lambda batch: whole(batch)[:2], clips, recipe, epochs=30)
    assert curve[-1]["pulse"] < 0.1 * curve[0]["pulse"]


def test_the_default_is_tat_as_the_authors_code_has_it():
    assert (DistillConfig().kd, DistillConfig().softmax) == ("tat", "code")
