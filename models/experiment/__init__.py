"""A whole run: folds, seeds, checkpoints and the report.

It stands above every other wing of the room, and none of them imports it.
"""
