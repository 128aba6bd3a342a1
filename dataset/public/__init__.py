"""Sets that others published, read as they really are and made into sessions.

`acq import` and training on UBFC DATASET_2 use it.
"""
