"""Recordings that are there twice, whole or in part.

The grading of sessions asks it; contents are compared, never names.
"""
