"""Where frames come from: CSI, USB or a file, each frame with its own time stamp.

All of them are behind the protocol `source.FrameSource` and are opened through `open.py`. Nothing
here knows sensors or session files.
"""
