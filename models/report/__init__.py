"""The report of a run: tables, drawings, and what they were computed from.

Only an experiment writes it. A module computes the values of one or more sections; the template of
the same name holds a macro for each of them, with all markup and most of the words.
"""
