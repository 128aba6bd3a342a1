"""Videos to train on: curated folders, or UBFC DATASET_2 as published, as tensors and clips.

Training, evaluation and export read them here.
"""
