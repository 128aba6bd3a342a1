"""What a person sees and presses: panels, curves, tables, keys.

Verbs use it; it computes nothing about a recording.
"""
