"""Sessions into curated folders: rows on frame times, files, and the swap into place.

`acq convert` runs it; it reads sessions, split and exclusions and writes through `dataset.layouts`.
"""
