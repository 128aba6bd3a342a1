"""How fast a machine reads a pulse: each stage from a decoded frame to a heart rate; no torch.

`acq bench-board` enters by `board_times.time_board`.
"""
