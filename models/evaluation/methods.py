"""The methods that stand beside each other in every table, in the table's order."""

from dataset.signals.colour_methods import METHODS as COLOUR_METHODS
from models.published_nets.titles import titles

NETWORK_TITLES = {
    "teacher": "teacher", "student": "student", "student_kd": "student + KD", **titles(),
}
COLOUR_TITLES = {"green": "GREEN", "ica": "ICA", "pca": "PCA", "chrom": "CHROM", "pos": "POS"}
MEAN_RATE = "mean_rate"         # the guess that needs no picture; see `mean_rate`
TITLES = {**NETWORK_TITLES, **COLOUR_TITLES, MEAN_RATE: "training’s mean rate"}

assert list(COLOUR_TITLES) == list(COLOUR_METHODS)
