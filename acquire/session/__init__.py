"""The writer of session files: valid after a crash, frames compressed on the way.

Recorder, recovery, import and simulation write with it; reading is `dataset.session`.
"""
