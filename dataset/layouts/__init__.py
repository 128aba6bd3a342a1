"""How curated folders look on disk: UBFC-rPPG, PURE, the manifest and the video file.

Convert writes them, verify and training read them; it decides nothing about what goes in.
"""
