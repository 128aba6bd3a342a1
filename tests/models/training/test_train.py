"""Trainings that can be repeated, and students that differ in their loss only."""

from dataclasses import replace

import pytest

torch = pytest.importorskip("torch")

from models.data.clips import Clips
from models.data.curated import load_curated
from models.nets.can import Teacher
from models.training.recipe import Recipe
from models.training.train import train_networks, train_student
from tests.support.curated_folders import three_entries, write_curated_folders

CPU = torch.device("cpu")


@pytest.fixture(scope="module")
def curated(tmp_path_factory):
    return load_curated(write_curated_folders(tmp_path_factory.mktemp("training"), three_entries()))


def test_the_same_seed_gives_the_same_weights(curated):
    recipe = Recipe(epochs=1, teacher_epochs=1, seed=5)
    one = replace(curated, train=curated.train[:1])
    first, again = (train_networks(one, recipe, device=CPU) for _ in range(2))
    for name in first:
        for a, b in zip(first[name].net.parameters(), again[name].net.parameters(), strict=True):
            assert torch.equal(a, b), name


def test_both_students_begin_alike_and_see_the_same(curated):
    # With no weight on the teacher, distilling must be the student alone.
    recipe = Recipe(epochs=1, precision="float32")
    recipe = replace(
        recipe,
        distill=replace(recipe.distill, weight_middle=0.0, weight_last=0.0, weight_pulse=0.0),
    )
    alone = train_student(curated, recipe, device=CPU).net
    taught = train_student(curated, recipe, teacher=Teacher(), device=CPU).net
    for (name, a), b in zip(alone.named_parameters(), taught.named_parameters(), strict=True):
        torch.testing.assert_close(a, b[1], atol=1e-6, rtol=1e-5, msg=name)


def test_a_teacher_stays_as_it_was(curated):
    # Else a teacher lent to a student on the GPU is left there, frozen, and the report cannot ask
    # it for its masks.
    teacher = Teacher()
    train_student(curated, Recipe(epochs=1), teacher=teacher, device=CPU)
    assert teacher.training
    assert all(parameter.requires_grad for parameter in teacher.parameters())


def test_what_a_recipe_says_of_batches_and_steps_is_what_is_trained_with(curated, monkeypatch):
    recipe = Recipe(
        epochs=2, seed=7, clip=5, batch_clips=3, shift=2, learning_rate=3e-4, weight_decay=0.05,
        precision="float32",
    )
    asked = {}

    class Noted(Clips):
        def __init__(self, videos, **options):
            asked.update(options)
            super().__init__(videos, **options)

    def noted_optimiser(parameters, lr, weight_decay):
        asked.update(learning_rate=lr, weight_decay=weight_decay)
        return adamw(parameters, lr=lr, weight_decay=weight_decay)

    adamw = torch.optim.AdamW
    monkeypatch.setattr("models.training.train.Clips", Noted)
    monkeypatch.setattr(torch.optim, "AdamW", noted_optimiser)
    trained = train_student(replace(curated, train=curated.train[:1]), recipe, device=CPU)
    assert asked.pop("batch") == recipe.batch_clips
    for key in ("seed", "clip", "shift", "learning_rate", "weight_decay"):
        assert asked[key] == getattr(recipe, key), key
    assert len(trained.curve) == recipe.epochs
