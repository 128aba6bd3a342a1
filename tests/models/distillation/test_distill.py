import numpy as np
import pytest

torch = pytest.importorskip("torch")

from acquire.errors import TrainingError
from models.data.clips import Batch, Clips
from models.data.videos import CuratedVideo
from models.distillation.distill import Distillation, DistillConfig, label_loss
from models.nets.can import Student, Teacher
from models.training.recipe import Recipe
from models.training.train import fit

CPU = torch.device("cpu")


def some_batch(clips=4, clip=2):
    return Batch(
        torch.randn(clips * clip, 3, 36, 36), torch.rand(clips, 3, 36, 36),
        torch.randn(clips * clip),
    )


def recording(pairs=32, seed=0):
    """A recording whose motion frames say how the PPG changes, under as much noise."""
    rng = np.random.default_rng(seed)
    change = rng.normal(size=pairs).astype(np.float32)
    motion = rng.normal(size=(pairs, 36, 36, 3)) + change[:, None, None, None]
    return CuratedVideo(
        folder=f"train/subject{seed + 1}", subject=f"S{seed + 1}", session="a", simulated=True,
        motion=torch.from_numpy(motion.astype(np.float16)),
        appearance=torch.from_numpy(rng.integers(0, 256, (pairs, 36, 36, 3)).astype(np.uint8)),
        ppg_change=torch.from_numpy(change), ppg=np.zeros(pairs + 1), time_s=np.arange(pairs + 1) / 25,
        video=None, box=None, colour=np.full((pairs + 1, 3), 100.0),
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
        [recording(8, seed=number) for number in range(4)], clip=8, batch=4, seed=0, device=CPU
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
        clip=8, batch_clips=4, learning_rate=3e-3, weight_decay=0.0, precision="float32"
    )
    clips = Clips(
        [recording(8, seed=number) for number in range(4)], clip=8, batch=4, seed=0, device=CPU
    )
    whole = Distillation(
        Student(), Teacher(),
        DistillConfig(kd="at", weight_pulse=0.0, weight_middle=100.0, weight_last=100.0),
    )
    whole.student.drop.p = 0.0
    curve = fit(whole, lambda batch: whole(batch)[:2], clips, recipe, epochs=60)
    assert curve[-1]["middle"] < 0.8 * curve[0]["middle"]
    assert curve[-1]["last"] < 0.8 * curve[0]["last"]


def test_learns_the_teachers_answer():
    torch.manual_seed(0)
    recipe = Recipe(
        clip=8, batch_clips=4, learning_rate=3e-3, weight_decay=0.0, precision="float32"
    )
    clips = Clips(
        [recording(8, seed=number) for number in range(4)], clip=8, batch=4, seed=0, device=CPU
    )
    whole = Distillation(Student(), Teacher(), DistillConfig(kd="none", weight_pulse=30.0))
    whole.student.drop.p = 0.0
    curve = fit(whole, lambda batch: whole(batch)[:2], clips, recipe, epochs=60)
    assert curve[-1]["pulse"] < 0.1 * curve[0]["pulse"]


def test_batches_depend_on_seed_and_epoch_alone():
    recordings = [recording(37, seed=1), recording(50, seed=2)]

    def drawn(seed, epoch):
        clips = Clips(recordings, clip=8, batch=3, seed=seed, device=CPU)
        return torch.cat([batch.ppg_change for batch in clips.epoch(epoch)])

    assert torch.equal(drawn(0, 1), drawn(0, 1))
    assert not torch.equal(drawn(0, 1), drawn(0, 2))
    assert not torch.equal(drawn(0, 1), drawn(1, 1))


def test_clips_stay_inside_one_recording_and_leave_gaps_out():
    first, second = recording(20, seed=1), recording(33, seed=2)
    second.ppg_change[16] = float("nan")
    for shift, r in enumerate((first, second)):
        known = torch.isfinite(r.ppg_change)
        r.ppg_change[known] = (torch.arange(len(r.ppg_change)) + 100.0 * shift)[known]
        r.appearance[:] = torch.arange(len(r.ppg_change))[:, None, None, None]
    clips = Clips([first, second], clip=8, batch=2, seed=0, device=CPU)
    for epoch in range(6):
        batches = list(clips.epoch(epoch))
        assert len(batches) == len(clips)
        for batch in batches:
            clip = batch.ppg_change.reshape(-1, 8)
            assert torch.isfinite(clip).all()
            assert (clip.diff(dim=1) == 1).all()
            assert torch.equal((batch.appearance[:, 0, 0, 0] * 255).round(), clip[:, 0] % 100)


def starts(clips, epochs=60):
    return {int(batch.ppg_change[0]) for epoch in range(epochs) for batch in clips.epoch(epoch)}


def numbered(pairs):
    r = recording(pairs)
    r.ppg_change[:] = torch.arange(pairs)
    return r


@pytest.mark.parametrize("pairs", [16, 19, 24])
def test_every_epoch_cuts_at_another_offset(pairs):
    clips = Clips([numbered(pairs)], clip=8, batch=1, seed=0, device=CPU)
    assert {start % 8 for start in starts(clips)} == set(range(8))
    assert min(starts(clips)) == 0
    assert max(starts(clips)) == pairs - 8      # no pair is never seen


@pytest.mark.parametrize("gaps", [[0], [10], [9, 20], [1, 11, 21]])
def test_a_stretch_between_gaps_is_found_by_every_epoch(gaps):
    r = numbered(30)
    r.ppg_change[gaps] = float("nan")
    clips = Clips([r], clip=8, batch=1, seed=0, device=CPU)
    assert [len(list(clips.epoch(epoch))) for epoch in range(20)] == [len(clips)] * 20


def test_no_stretch_long_enough_is_refused():
    r = numbered(30)
    r.ppg_change[::8] = float("nan")
    with pytest.raises(TrainingError, match="8 adjacent"):
        Clips([r], clip=8, batch=1, seed=0, device=CPU)
