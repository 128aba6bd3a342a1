"""When the camera exposes: an LED that the sensor blinks, seen on video, and the file that keeps
the offset.

`acq calibrate` runs it, the recorder reads the file; it uses clock, sensor, camera and session.
"""
