"""A split of the sessions of a data folder, as `acq split` writes it."""

from acquire import data_folder
from dataset.selection.choose import split_by_subject
from dataset.selection.identities import identify_sessions
from dataset.selection.split_file import write_split


def write_new_split(data, *holdout, folds=None):
    """Split the sessions under `data` and write the split, in place of another."""
    split = split_by_subject(identify_sessions(data), holdout=holdout, folds=folds)
    write_split(split, data_folder.split_file(data), force=True)
