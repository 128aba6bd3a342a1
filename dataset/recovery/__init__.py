"""Sessions that a crash left open, and times placed again by a better clock fit.

`acq recover` and `acq resync` run it; it is the only wing that changes a recording.
"""
