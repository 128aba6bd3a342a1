"""Checkpoints as ONNX files, in float and int8, and the origin of the face networks.

It uses torch, so that a board need not.
"""
