"""A subject who leaves: every file that holds her found, and removed.

`acq withdraw` runs it; it may look into every wing.
"""
