"""Numbers and times that others wrote: text read as it is, times held against what is possible.

Replayed videos and public sets use it; it knows arrays and text, no session and no device.
"""
