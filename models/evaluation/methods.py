"""The methods that stand beside each other in every table, in its order."""

from dataset.signals.colour_methods import METHODS as COLOUR_METHODS

NETWORKS = {
    "teacher": "teacher", "student": "student", "student_kd": "student + KD", "physnet": "PhysNet",
}
COLOURS = {"green": "GREEN", "ica": "ICA", "pca": "PCA", "chrom": "CHROM", "pos": "POS"}
TITLES = {**NETWORKS, **COLOURS}

assert list(COLOURS) == list(COLOUR_METHODS)
