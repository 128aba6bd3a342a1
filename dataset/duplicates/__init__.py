"""Recordings that are there twice, whole or in part.

Quality and preflight ask it; it compares contents, never names.
"""
