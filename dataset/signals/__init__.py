"""Computations on signals: filters, heart rate, alignment, colour methods, windows.

Pure functions on arrays; they open no file and import no other wing.
"""
