"""The networks without torch: ONNX Runtime, and how fast a board runs them.

`acq live`, `predict` and `bench-board` use it; torch stays out.
"""
