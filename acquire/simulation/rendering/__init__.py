"""From a subject's appearance and one instant's pose, pulse and light to a camera's I420 picture.

The rest of the simulation asks `renderer` for frames; nothing here knows of time or devices.
"""
