"""What a student learns from its teacher: target-aware transformer, hints, attention.

Only training computes these losses.
"""
