"""Which sessions are used, and for what: exclusions, and the split into train and test subjects.

`data/exclusions.json` and `data/split.json` hold the decisions. All later steps read these two
files and decide nothing themselves.
"""
