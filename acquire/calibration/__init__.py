"""When the camera exposes: an LED that the sensor switches, seen on video, gives the offset.

`calibrate` runs it; `rig_file` keeps the result for the recorder. This wing uses clock, sensor and
camera.
"""
