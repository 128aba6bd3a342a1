"""The exported networks in ONNX Runtime, and how fast a board runs them; no torch.

The live pulse uses it.
"""
