"""Clips to train on, from curated folders or from UBFC DATASET_2 as published.

Training, evaluation and export read them here.
"""
