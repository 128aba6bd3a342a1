"""A whole run of training over three virtual subjects, made once for all tests of a process."""

from functools import cache

from models.experiment.run import train_kd
from models.training.recipe import Recipe
from tests.support.curated_folders import curate, three


@cache
def trained_run(folder):
    """Curate and train in `folder`; return the result and the calls of `on_progress`."""
    calls = []
    data = curate(folder, three())
    recipe = Recipe(epochs=2, teacher_epochs=1, seed=3)
    result = train_kd(
        data, recipe=recipe, device="cpu", on_progress=lambda *call: calls.append(call)
    )
    return result, calls
