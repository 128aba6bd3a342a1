"""The PPG sensor on its serial port: wire format, port, thread, finger detection, firmware upload.

Recorder, calibration and inventory use it; nothing here knows cameras or session files.
"""
