"""Options that earlier versions had and that are keys of a recipe now: each is refused by name."""

from typing import Any

from acq.help import Command
from acquire.errors import AcqError

# of `acq train-kd`: the option, and what replaced it
GONE = {
    "--teacher-epochs": "teacher_epochs", "--seed": "seed", "--kd": "distill.kd",
    "--tat": "distill.softmax", "--levels": "distill.levels",
    "--soft-weight": "distill.weight_pulse", "--shape-weight": "shape_weight", "--clip": "clip",
    "--pretrain-epochs": "pretrain_epochs", "--no-augmentation": "shift: 0",
}


class CommandWithRecipe(Command):
    """The command `train-kd`, which names the key of the recipe that replaced an option."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Refuse an option that is gone, else read the options.

        Raises
        ------
        AcqError : one is gone
        """
        for word in args:
            option = word.partition("=")[0]
            if option == "--physnet":
                raise AcqError("--physnet is gone; write --also physnet")
            if option in GONE:
                key = GONE[option]
                raise AcqError(
                    f"{option} is gone: it is the key {key} of a recipe now; copy one with "
                    "acq train-kd --show-recipe > mine.yaml, change it there, and name it with "
                    "--recipe mine.yaml"
                )
        return super().parse_args(ctx, args)
