"""The report of a run: verdict, tables and drawings.

Only an experiment writes it.
"""
