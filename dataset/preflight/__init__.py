"""Checks before a recording: camera, light, face, light offset, sensor, pulse, sync and disk.

`acq check` runs them. Each gives lines of a status, what was found and what to do about it.
"""
