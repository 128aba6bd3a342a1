"""Heart rate variability and breathing of a finger's PPG: a session's, and a group's for the card.

It reads sessions and signals, and needs the extra `hrv` (NeuroKit2).
"""
