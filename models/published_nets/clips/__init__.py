"""Networks that read a clip of frames, or a clip of a waveform, at once and predict its pulse.

The registry imports them; they import `..spec` and `..losses`, and no other wing.
"""
