"""The face in a picture: found by MTCNN on ONNX Runtime, boxed, cut into the 36 x 36 frames of the
networks.

Quality, convert and every model use it; torch stays out.
"""
