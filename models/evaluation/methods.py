"""The methods that stand beside each other in every table, in the table's order."""

from dataset.published_colour.methods import ALL_METHODS
from models.published_nets.titles import Titles

_DISTILLED = {"teacher": "teacher", "student": "student", "student_kd": "student + KD"}
NETWORK_TITLES = Titles(_DISTILLED)
# one region, one chain; see `dataset.signals.colour_methods`
USUAL_TITLES = {"green": "GREEN", "ica": "ICA", "pca": "PCA", "chrom": "CHROM", "pos": "POS"}
COLOUR_TITLES = {
    **USUAL_TITLES,
    # as their papers have them; see `dataset.published_colour`
    "ica_poh": "ICA (Poh)", "pca_lewandowska": "PCA (Lewandowska)", "chrom_skin": "CHROM on skin",
    "pos_skin": "POS on skin", "lgi": "LGI", "pbv": "PBV", "omit": "OMIT",
}
MEAN_RATE = "mean_rate"         # the guess that needs no picture; see `mean_rate`
TITLES = Titles(_DISTILLED, {**COLOUR_TITLES, MEAN_RATE: "training’s mean rate"})

assert tuple(COLOUR_TITLES) == ALL_METHODS
