"""A virtual person in front of a virtual camera and sensor, with the truth beside.

Asked for by name only; no other wing of this room imports it.
"""
