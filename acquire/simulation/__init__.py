"""A virtual person in front of a virtual camera and sensor, with the truth beside.

Used only where it is asked for by name; no other wing of this room imports it.
"""
