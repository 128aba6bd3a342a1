"""Checkpoints as ONNX files, in float and int8, and where the face networks come from.

`acq export` runs it.
"""
