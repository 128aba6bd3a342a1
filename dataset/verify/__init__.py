"""Verification: every hash that acq keeps is computed again.

It may look into every other wing; only the command line comes here.
"""
