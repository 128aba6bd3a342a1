"""The HTML pages of the quality results.

Only `acq qc` writes them; they measure nothing.
"""
