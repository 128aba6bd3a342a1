"""Options that earlier versions had: each is refused by name, with what replaced it."""

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


class CommandWithTable(Command):
    """A command whose `--csv` became `--table`."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Refuse `--csv`, else read the options.

        Raises
        ------
        AcqError : it is there
        """
        if any(word.partition("=")[0] == "--csv" for word in args):
            raise AcqError(
                "--csv is gone; write --table FILE.csv, or --table - where acq ls is to print it"
            )
        return super().parse_args(ctx, args)
