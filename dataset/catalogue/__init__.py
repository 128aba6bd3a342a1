"""The catalogue: every recording under a data folder as one row, read once while it stays as it is.

`listing` is what commands and pages use; nothing here is heavy to load before a recording is read.
"""
