"""A whole run of training over three virtual subjects, made once for all tests of a process.

Its teacher starts from another.
"""

from functools import cache

from models.experiment.run import train_kd
from models.training.recipe import Recipe
from tests.support.curated_folders import three_entries, write_curated_folders
from tests.support.stand_ins import stand_in_teacher


@cache
def trained_run(folder):
    """Curate and train in `folder`; return the result and the calls of `on_progress`."""
    calls = []
    data = write_curated_folders(folder, three_entries())
    init = stand_in_teacher(data / "stand-in.safetensors")
    recipe = Recipe(epochs=2, teacher_epochs=1, seed=3, init=str(init))
    result = train_kd(
        data, recipe=recipe, device="cpu", on_progress=lambda *call: calls.append(call)
    )
    return result, calls
