"""DeepPhys and its successors: two-dimensional convolutions over pairs of frames, with soft masks.

The registry imports them; they import `..spec` and `..losses`, and no other wing.
"""
