"""Where frames come from: CSI, USB or a file, each frame with its own time stamp, behind one
protocol.

Everybody opens cameras through `open.py`; nothing here knows sensors or files of sessions.
"""
