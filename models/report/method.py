"""How the figures of a run were made: data, preprocessing, loss, training, versions."""

import json
from typing import TYPE_CHECKING

from models.evaluation.by_clips import JOINED
from models.published_nets.registry import find_network
from models.published_nets.spec import NetSpec, reads_as_published
from models.published_nets.titles import CAN, titles

from .sections import section

if TYPE_CHECKING:
    from markupsafe import Markup

_NOT_LISTED = ("methods", "folds", "seeds")      # of metrics.json: the results, in the tables


def method(metrics: dict) -> "Markup":
    """List everything that is needed to repeat the run."""
    parameters = {name: value for name, value in metrics.items() if name not in _NOT_LISTED}
    return section(
        "method", "method", metrics=metrics, loss=_loss(metrics["recipe"]),
        parameters=json.dumps(parameters, indent=1),
        other_teacher=find_network(teacher_of(metrics)),
        beside=[find_network(name) for name in titles() if name in metrics["methods"]],
        joined=_joined,
    )


def _joined(spec: NetSpec) -> str:
    """Return in words what a network predicts, and what is done with it."""
    predicts = reads_as_published(spec).predicts
    return f"its {predicts} is {JOINED[predicts]}"


def teacher_of(metrics: dict) -> str:
    """Return the name of the network that taught the student."""
    return metrics["recipe"].get("teacher", CAN)


def title_of_other_teacher(metrics: dict) -> str:
    """Return the title of a teacher that is not the paper's; "" of the paper's."""
    name = teacher_of(metrics)
    return "" if name == CAN else titles().get(name, name)


def _loss(recipe: dict) -> str:
    """Return the student's loss in words."""
    distill = recipe["distill"]
    terms = ["mean squared error on the PPG’s change"]
    norm = {"sum": ", squares summed over a frame’s map", "root": ", the norm without its square"}
    kinds = {
        "tat": f"TaT, softmax as in the {distill['softmax']}"
               f"{norm.get(distill.get('norm', 'mean'), '')}", "fitnet": "FitNet’s hints",
        "at": "attention transfer",
    }
    if distill["kd"] in kinds:
        levels = ", ".join(
            f"{distill['weight_' + level]:g} {level}" for level in ("middle", "last")
            if distill["levels"] in ("both", level)
        )
        terms.append(f"features by {kinds[distill['kd']]} ({levels})")
    if distill["weight_pulse"]:
        terms.append(f"{distill['weight_pulse']:g} times that on the teacher’s answer")
    if (name := recipe.get("teacher", CAN)) != CAN:
        terms[-1] += (
            f", which is {titles().get(name, name)} and has no feature maps of the student’s kind"
        )
    if recipe["shape_weight"]:
        shape = f"{recipe['shape_weight']:g} times 1 − r of the pulse over a clip"
        terms.append(f"{shape} (all networks)")
    alone = recipe["pretrain_epochs"]
    return " + ".join(terms) + (f"; the student alone for {alone} epochs before" if alone else "")
