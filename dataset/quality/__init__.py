"""What is measured of a session, the limits, and the grade that follows.

`acq qc` runs it; pages, split and card read its result file.
"""
