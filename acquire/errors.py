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
    ResumeError             an interrupted run that was begun with something else
  CueError                  a protocol of cues that is none
  SubjectError              what is noted of a subject is not what may be noted
  BusyError                 another process writes there
```

An error carries facts: what was expected, what was found, where, and what mends it. The library
does not know the command line: a `Fix` names a remedy, its value says it in plain words, and
`acq.advice` words it for the verb that was run. Misuse by a programmer is `ValueError` or
`TypeError`; `acq/main.py` turns an `AcqError` into one line and exit code 1.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from enum import Enum
from pathlib import Path
from typing import Any, TypeVar

_LONGEST_FOUND = 300     # characters of what was found: a file may hold a megabyte in one string
_MOST_DIGITS = 9


class Fix(Enum):
    """What mends an error; the value is how a program that is not `acq` says it."""

    REPLACE = "allow it to replace what is there"
    REPLACE_SIMULATED = "allow it to replace them, or choose another seed or data folder"
    CHOOSE_DATA_FOLDER = "name another data folder"
    FREE_SPACE = "free some space, record for a shorter time, or name another data folder"
    CHOOSE_PROTOCOL = "name another protocol file"
    RECORD = "record a session first"
    RECOVER = "recover the recording"
    RECOVER_OR_RESTORE = "recover the recording, or restore it from a copy"
    RECOVER_OR_EXCLUDE = "recover the recording, or exclude it"
    GET_PERMISSION = "get the permission to read it"
    PREDICT = "read it as a recording"
    MOVE_AWAY = "nothing in it can be recovered: move it away, or name another"
    EXCLUDE = "exclude the session, then split again"
    INCLUDE = "include them again"
    REMOVE_OR_EXCLUDE = "remove it, or exclude it"
    EXCLUDE_COPY = "exclude one of them"
    LIST_SESSIONS = "look at the list of sessions"
    LIST_EXCLUSIONS = "look at the list of exclusions"
    GRADE_AGAIN = "grade the sessions again"
    SPLIT = "split the sessions first"
    SPLIT_AGAIN = "split the sessions again"
    CONVERT = "convert the sessions first"
    CONVERT_AGAIN = "convert the sessions again"
    MOVE_CURATED_AWAY = "move the folder that holds it away, and convert the sessions again"
    FINISH_CONVERTING = "finish the conversion"
    EXPORT_BIDS_AGAIN = "export the recordings as a BIDS data set again"
    EXPORT_PURE_AGAIN = "export the sessions in the PURE layout again"
    EXPORT_FOR_AGAIN = "export the sessions for that tool again"
    EXPORT_FOR_TOOL = "export the sessions for the tool that reads them"
    CHOOSE_CODEC_BY_DISK = "make room, or let the disk choose the codec"
    MAKE_ROOM_OR_TRAIN_FROM_SESSIONS = "make room, or train from the sessions themselves"
    KEEP_HOLES = "keep the holes, or exclude the session"
    CHOOSE_OPTION = "choose another value"
    CHOOSE_FOLD = "name one of the folds"
    SPLIT_IN_FOLDS = "leave the fold out, or split the sessions in folds"
    CHOOSE_SET = "name the folder right above them, or the set"
    TRAIN = "train first"
    TRAIN_AGAIN = "train again"
    TRAIN_WITH_FOLDS = "ask for folds; the paper uses 5"
    BEGIN_ANEW = "begin a new run"
    RESUME_AS_BEGUN = "give the settings and data it was begun with, or remove that run"
    RESUME_ON_OLD_SPLIT = (
        "an interrupted run needs the split and the curated data that it was begun with: bring "
        "them back; or convert the sessions again, and begin a new run"
    )
    RESUME_OR_REMOVE = "resume the run, or remove it"
    REMOVE_RUN = "remove the run"
    LIST_RUNS = "look at the list of runs"
    USE_CPU = "train on the CPU"
    ALLOW_OTHER_DATA = "use a network of a run on this data, or allow one of other data"
    READ_SESSIONS = "read the sessions themselves, as the run did that trained it"
    READ_CURATED = "read the curated folders, as the run did that trained it"
    READ_PUBLISHED = "read the set as it was published, as the run did that trained it"
    ALLOW_MIXED = "curate virtual and real subjects apart, or allow both in one dataset"
    HOLD_OUT = "split the sessions again with a subject held out"
    SPLIT_AND_CONVERT_AGAIN = "split and convert the sessions again"
    SPLIT_AND_EXPORT_PURE_AGAIN = "split the sessions and export them in the PURE layout again"
    SPLIT_AND_EXPORT_FOR_AGAIN = "split the sessions and export them for that tool again"
    CONVERT_NATIVE = "convert the sessions again at the rate of their own frames"
    EXPORT = "export a trained run first"
    NAME_NET = "name an ONNX file, a checkpoint or the folder of a run"
    EXPORT_ELSEWHERE = "name another folder to export to"
    EXPORT_AGAIN = "export the networks again"
    CALIBRATE = "calibrate the rig"
    CALIBRATE_VIRTUAL = "calibrate the virtual rig"
    NAME_FRAME_RATE = "name the frame rate, or a file of frame times"
    MORE_LIGHT = "more light (auto-exposure halves the rate in the dark), or another frame rate"
    CHOOSE_RATE = "ask for a frame rate that the camera has"
    FEWER_FRAMES = "use a faster disk, or ask for fewer frames a second"
    CALIBRATE_AGAIN = "calibrate the rig again"
    CALIBRATE_VIRTUAL_AGAIN = "calibrate the virtual rig again"
    SEE_LED_BETTER = (
        "make the LED larger or brighter in the picture, dim the room, or switch the LED more often"
    )
    SWITCH_LED_MORE = "switch the LED more often"
    LIST_DEVICES = "look at the list of devices"
    FIND_CAMERA = "plug one in, or name a camera from the list of devices"
    FIND_PORT = "plug it in, or name its port"
    NAME_PORT = "name the port of one of them"
    RESTORE_OR_SPLIT_AGAIN = "restore it from a copy, or split the sessions again"
    COMPLETE_WITHDRAWAL = "complete that withdrawal"
    MAKE_ROOM_AND_WITHDRAW = "make room, then complete that withdrawal"
    WITHDRAW_MODELS = "withdraw them, too"
    WITHDRAW_SUBJECT = "withdraw that subject"
    WRITE_CARD_AGAIN = "write the dataset card again"
    FLASH = "upload the firmware to the board"
    INSTALL_AGAIN = "install acq again"
    INSTALL_TRAIN = "install acq with the extra `train`"
    INSTALL_CLUSTER = "install acq with the extra `cluster`"
    INSTALL_STUDIO = "install acq with the extra `studio`"
    INSTALL_LSL = "install acq with the extra `lsl`"
    INSTALL_HRV = "install acq with the extra `hrv`"
    INSTALL_PARQUET = "install acq with the extra `parquet`"
    INSTALL_TENSORBOARD = "install acq with the extra `tensorboard`"


class AcqError(Exception):
    """Something acq can explain to its user.

    Parameters
    ----------
    message : a whole sentence, where the four facts do not fit what happened
    expected, found : noun phrases, without a full stop
    where : a path, or a phrase with its preposition such as "at /dev/ttyUSB0"
    fix : what mends it; a `Fix`, or a phrase that names no command and no option
    of : what the fix is applied to, such as a session id; only with a `Fix`
    """

    expected: str = ""
    found: str = ""
    where: str = ""
    fix: Fix | str = ""
    of: str = ""
    causes: tuple["AcqError", ...] = ()      # the errors that `all_of` put together

    def __init__(
        self, message: str = "", *, expected: str = "", found: object = "",
        where: Path | str = "", fix: Fix | str = "", of: str = "",
    ) -> None:
        self.expected, self.found, self.fix, self.of = expected, _one_line(found), fix, of
        if isinstance(where, Path):     # what the system refuses is not inside a file
            where = f"{'at' if isinstance(found, OSError) else 'in'} {where}"
        self.where = where
        self.facts = message or f"expected {self.expected}, found {self.found}"
        if self.where:
            self.facts += f" {self.where}"
        super().__init__(self.facts)

    def __str__(self) -> str:
        if not self.fix:
            return self.facts
        if isinstance(self.fix, str):
            return f"{self.facts}; {self.fix}"
        return f"{self.facts}; {self.fix.value}" + (f" ({self.of})" if self.of else "")

    def __reduce__(self):
        """Let an error travel from a worker process with all its facts."""
        return _rebuilt, (type(self), self.__dict__)


Kind = TypeVar("Kind", bound=AcqError)


def all_of(errors: Sequence[AcqError], kind: type[Kind]) -> AcqError | Kind:
    """Return one error of a kind that names them all; the only one itself where there is one."""
    if len(errors) == 1:
        return errors[0]
    together = kind(f"{len(errors)} problems: {' | '.join(map(str, errors))}")
    together.causes = tuple(errors)
    return together


def fix_of(error: object, otherwise: Fix | str) -> Fix | str:
    """Return what mends a file that cannot be read; one that may not be read is not damaged."""
    return Fix.GET_PERMISSION if isinstance(error, PermissionError) else otherwise


@contextmanager
def suggest(fix: Fix | str, of: str = "") -> Iterator[None]:
    """Name what mends an error that leaves this block without a remedy of its own."""
    try:
        yield
    except AcqError as error:
        if not error.fix:
            error.fix, error.of = fix, of
        raise


def _rebuilt(kind: type[AcqError], facts: dict[str, object]) -> AcqError:
    error = kind(str(facts["facts"]))
    error.__dict__.update(facts)
    return error


def _one_line(found: object) -> str:
    if isinstance(found, FileNotFoundError):
        return "nothing"
    if isinstance(found, IsADirectoryError):
        return "a folder"
    # of the system, and of FFmpeg
    if isinstance(found, Exception) and (words := getattr(found, "strerror", None)):
        return str(words)
    if isinstance(found, UnicodeDecodeError):
        return f"text that is not UTF-8, the byte {found.object[found.start]:#04x}"
    text = " ".join(str(found).split())
    return text if len(text) <= _LONGEST_FOUND else f"{text[:_LONGEST_FOUND]}..."


def apart(found: float, limit: float, *, digits: int = 1) -> str:
    """Write a number that a limit is beside: with more digits where fewer make the two the same."""
    while digits < _MOST_DIGITS and f"{found:.{digits}f}" == f"{limit:.{digits}f}":
        digits += 1
    return f"{found:.{digits}f}"


class DeviceError(AcqError):
    """A port or a camera is missing, busy or gone."""


class DeviceTimeout(DeviceError, TimeoutError):
    """A device did not answer in time."""


class StampError(DeviceError):
    """A camera's stamps are not on the monotonic clock, or went back.

    It is refused, not opened again.
    """


class ProtocolError(AcqError):
    """Bytes that are not our wire protocol, or another version of it."""


class SessionError(AcqError):
    """A session file is missing, cut short, of another version, or cannot be written."""


class CalibrationError(AcqError):
    """The camera does not see the LED well enough, or an earlier calibration cannot be used."""


class SplitError(AcqError):
    """A split would share a subject between its sides, or leave one of them empty."""


class CurationError(AcqError):
    """A curated folder is not what its manifest says."""


class TrainingError(AcqError):
    """A dataset cannot be trained on, or a checkpoint does not fit."""


class ResumeError(TrainingError):
    """An interrupted run was begun with other settings or data than those of now."""

    # by the setting's path in the run's file: what it was, and what it is now
    differences: dict[str, tuple[Any, Any]]


class CueError(AcqError):
    """A file of cues cannot be read, or is none."""


class SubjectError(AcqError):
    """What is noted of a subject cannot be read, or is not what may be noted."""


class BusyError(AcqError):
    """Another process writes there; it is named."""
