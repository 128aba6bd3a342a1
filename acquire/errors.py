"""Everything acq can explain to its user.

```text
AcqError                    anything acq can explain to its user
  DeviceError               port or camera missing, busy, gone
    DeviceTimeout           (also TimeoutError)
    StampError              a camera's stamps cannot be believed
  ProtocolError             bytes that are not our protocol, wrong version
  SessionError              session file missing, truncated, wrong version; disk full
  CalibrationError          no light to calibrate by, or a rig file that is none
  SplitError                a split that would leak or be empty
  CurationError             a curated folder that is not what its manifest says
  TrainingError             a dataset that cannot be trained on
  CueError                  a protocol of cues that is none
  SubjectError              what is noted of a subject is not what may be noted
```

A message says what was expected, what was found, where, and if known what to do. Misuse by a
programmer is `ValueError` or `TypeError`; `acq/main.py` turns an `AcqError` into one line and exit
code 1.
"""


class AcqError(Exception):
    """Something acq can explain to its user."""


class DeviceError(AcqError):
    """A port or a camera is missing, busy or gone; `found` says in a few words what was there
    instead.
    """

    found: str = ""


class DeviceTimeout(DeviceError, TimeoutError):
    """A device did not answer in time."""


class StampError(DeviceError):
    """A camera's stamps are not on the monotonic clock, or went back: it is refused, not opened
    again.
    """


class ProtocolError(AcqError):
    """Bytes that are not our wire protocol, or another version of it."""


class SessionError(AcqError):
    """A session file is missing, cut short, of another version, or cannot be written."""


class CalibrationError(AcqError):
    """The camera does not see the LED well enough, or what an earlier calibration wrote cannot be
    used.
    """


class SplitError(AcqError):
    """A split would share a subject between its sides, or leave one of them empty."""


class CurationError(AcqError):
    """A curated folder is not what its manifest says."""


class TrainingError(AcqError):
    """A dataset cannot be trained on, or a checkpoint does not fit."""


class CueError(AcqError):
    """A file of cues cannot be read, or is none."""


class SubjectError(AcqError):
    """What is noted of a subject cannot be read, or is not what may be noted."""
