"""A whole run: folds, seeds, checkpoints and the report.

`acq train-kd` runs it; it may use every wing of the room.
"""
