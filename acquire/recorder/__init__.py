"""One recording: camera and sensor read side by side, written as they come, closed whole.

`acq record` and the simulation use it; it may use every wing of this room but the simulation.
"""
