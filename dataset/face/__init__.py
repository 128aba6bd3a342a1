"""The face in a picture: found by MTCNN on ONNX Runtime, boxed, averaged to 36 x 36 pixels.

Quality, convert, the operator's panel and every model use it; torch stays out.
"""
