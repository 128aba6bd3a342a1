"""The writer of session files: readable after a crash, frames compressed before they are written.

Recorder, recovery, import and simulation write with it; reading is `dataset.session`.
"""
