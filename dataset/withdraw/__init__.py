"""A subject withdraws: all files that hold or name it are found, and removed.

Only `acq withdraw` and `verify` come here; this wing may look into every other one.
"""
