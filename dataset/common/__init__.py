"""Hashes, pages, drawings, wording, spans, progress and worker processes.

Every wing of the room may use it; it knows nothing of sessions.
"""
