"""Sessions that a crash left open, and sample times computed again from a session's exchanges.

It is the only wing that changes a recording.
"""
