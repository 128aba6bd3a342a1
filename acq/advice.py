"""What mends an error, worded as a command for the verb that was run.

The library names a remedy (`acquire.errors.Fix`) and knows no command; here each has its words.
A verb that a page of the studio started is told so by its environment (`FOR_PAGE`), and words its
remedies as the page does: by what stands there, not by options.
"""

import errno
import os
import re
import shlex
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from acquire.errors import AcqError, Fix, ResumeError
from acquire.interrupts import Left

from .resuming import word_resume

if TYPE_CHECKING:
    from dataset.selection.split import Split

_LONGEST_NAME = 200      # characters that are told of one that is too long

PAGE = "page"                   # in the place of a verb
FOR_PAGE = {"ACQ_WORDS": PAGE}  # in the environment of a verb whose words a page shows

_SPLIT = "acq split --force --holdout SUBJECT, or --folds K, as before"

_ADVICE = {
    Fix.REPLACE: "--force replaces it",
    Fix.REPLACE_SIMULATED: "replace them with --force, or choose another --seed or --data",
    Fix.CHOOSE_DATA_FOLDER: "name another folder with --data",
    Fix.FREE_SPACE: "free some, record for a shorter time, or name another folder with --data",
    Fix.CHOOSE_PROTOCOL: "name another with --protocol",
    Fix.RECORD: "record one with acq record",
    Fix.RECOVER: "acq recover makes it whole",
    Fix.RECOVER_OR_RESTORE: "try acq recover on it, or restore it from a copy",
    Fix.RECOVER_OR_EXCLUDE: "try acq recover; or leave it out with acq exclude {of} "
        "--reason \"cannot be read\"",
    Fix.GET_PERMISSION: "get the permission to read it, from its owner or with chmod",
    Fix.PREDICT: "acq predict reads it",
    Fix.MOVE_AWAY: "nothing in it can be recovered: move it away, or name another",
    Fix.EXCLUDE:
        "leave it out with acq exclude {of} --reason \"cannot be used\", then split again",
    Fix.INCLUDE: "acq include brings them back",
    Fix.REMOVE_OR_EXCLUDE:
        "remove it, or leave it out with acq exclude {of} --reason \"there twice\"",
    Fix.EXCLUDE_COPY:
        "leave one of them out, such as with acq exclude {of} --reason \"a copy\"",
    Fix.LIST_SESSIONS: "acq ls lists them",
    Fix.LIST_EXCLUSIONS: "acq exclude lists what is excluded",
    Fix.GRADE_AGAIN: "run acq qc again",
    Fix.SPLIT: "run acq split first",
    Fix.SPLIT_AGAIN: "split again: " + _SPLIT,
    Fix.CONVERT: "run acq convert first",
    Fix.CONVERT_AGAIN: "run acq convert --force",
    Fix.MOVE_CURATED_AWAY: "move the folder that holds it away, then run acq convert",
    Fix.FINISH_CONVERTING: "acq convert goes on with it",
    Fix.EXPORT_BIDS_AGAIN: "run acq convert --to bids --force",
    Fix.EXPORT_PURE_AGAIN: "run acq convert --to {of} --force",
    Fix.EXPORT_FOR_AGAIN: "run acq convert --for {of} --force",
    Fix.EXPORT_FOR_TOOL: "acq convert --for TOOL writes an even grid for them",
    Fix.CHOOSE_CODEC_BY_DISK:
        "make room, or choose by the disk with --codec auto; acq convert --plan shows what each "
        "takes",
    Fix.MAKE_ROOM_OR_TRAIN_FROM_SESSIONS:
        "make room; acq train-kd --from sessions needs no curated folders",
    Fix.KEEP_HOLES:
        "use --holes keep, or leave it out with acq exclude {of} --reason \"frames lost\", then "
        "split again",
    Fix.CHOOSE_OPTION: "name one with --{of}",
    Fix.CHOOSE_FOLD: "name one with --fold, such as --fold 1; acq train-kd --folds K trains on all",
    Fix.SPLIT_IN_FOLDS: "leave --fold out, or split again with acq split --force --folds K",
    Fix.CHOOSE_SET: "name the folder right above them, or the set with --set",
    Fix.TRAIN: "run acq train-kd first",
    Fix.TRAIN_AGAIN: "train again with acq train-kd",
    Fix.TRAIN_WITH_FOLDS: "give --folds; the paper uses --folds 5",
    Fix.BEGIN_ANEW: "leave --resume out to begin one",
    Fix.RESUME_AS_BEGUN: "give the same options and data, or remove it: acq runs --remove {of}",
    Fix.RESUME_ON_OLD_SPLIT:
        "an interrupted run needs the split that it was begun with: bring that split.json and its "
        "curated folders back; or run acq convert --force, and begin anew without --resume",
    Fix.RESUME_OR_REMOVE: "acq train-kd --resume goes on, or acq runs --remove {of} removes it",
    Fix.REMOVE_RUN: "acq runs --remove {of} removes it",
    Fix.LIST_RUNS: "acq runs lists them",
    Fix.USE_CPU: "leave --device out to use the CPU",
    Fix.ALLOW_OTHER_DATA: "name a run on this data, or allow another with --other-data",
    Fix.READ_SESSIONS: "it was trained with --from sessions: add that",
    Fix.READ_CURATED: "it was trained on the curated folders: leave --from and --ubfc out",
    Fix.READ_PUBLISHED: "it was trained with --ubfc: name that folder again",
    Fix.ALLOW_MIXED: "curate them apart, or allow both with --mix-simulated",
    Fix.HOLD_OUT: "run acq split --holdout SUBJECT",
    Fix.SPLIT_AND_CONVERT_AGAIN: f"split again ({_SPLIT}), then run acq convert --force",
    Fix.SPLIT_AND_EXPORT_PURE_AGAIN:
        f"split again ({_SPLIT}), then run acq convert --to {{of}} --force",
    Fix.SPLIT_AND_EXPORT_FOR_AGAIN:
        f"split again ({_SPLIT}), then run acq convert --for {{of}} --force",
    Fix.CONVERT_NATIVE: "run acq convert --force --fps native",
    Fix.EXPORT: "acq export makes it of a run",
    Fix.NAME_NET: "acq train-kd makes a run, in DATA/runs, and acq export an ONNX file of it",
    Fix.EXPORT_ELSEWHERE: "name another folder with --out",
    Fix.EXPORT_AGAIN: "run acq export again",
    Fix.CALIBRATE: "acq calibrate",
    Fix.CALIBRATE_VIRTUAL: "acq calibrate --simulate",
    Fix.NAME_FRAME_RATE: "name the rate with replay:VIDEO?fps=30, or the times with ?times=CSV",
    Fix.MORE_LIGHT: "more light (auto-exposure halves the rate in the dark), or another --fps",
    Fix.CHOOSE_RATE: "ask for a rate that the camera has, with --fps",
    Fix.FEWER_FRAMES: "use a faster disk, or ask for fewer frames with --fps",
    Fix.CALIBRATE_AGAIN: "run acq calibrate --force",
    Fix.CALIBRATE_VIRTUAL_AGAIN: "run acq calibrate --simulate --force",
    Fix.SEE_LED_BETTER:
        "make the LED larger or brighter in the picture, dim the room, or switch the LED more "
        "often, such as with --toggles {of}",
    Fix.SWITCH_LED_MORE: "switch the LED more often, such as with --toggles {of}",
    Fix.LIST_DEVICES: "acq devices lists what is plugged in",
    Fix.FIND_CAMERA: "plug one in, look with acq devices, or name it with --camera",
    Fix.FIND_PORT: "plug it in or name it with --port",
    Fix.NAME_PORT: "name one with --port",
    Fix.RESTORE_OR_SPLIT_AGAIN: "restore it from a copy, or split again: " + _SPLIT,
    Fix.COMPLETE_WITHDRAWAL: "acq withdraw {of} completes it",
    Fix.MAKE_ROOM_AND_WITHDRAW: "make room, then acq withdraw {of} completes it",
    Fix.WITHDRAW_MODELS: "--models removes them",
    Fix.WITHDRAW_SUBJECT:
        "acq withdraw {of} removes all of that subject; a single recording is left out with acq "
        "exclude",
    Fix.WRITE_CARD_AGAIN: "run acq card --force",
    Fix.FLASH: "upload it with acq firmware flash",
    Fix.INSTALL_AGAIN: "install acq again, with all that it needs",
    Fix.INSTALL_TRAIN: "pip install -c constraints.txt -e '.[train]'",
    Fix.INSTALL_CLUSTER: "pip install -c constraints.txt -e '.[cluster]'",
    Fix.INSTALL_STUDIO: "pip install -c constraints.txt -e '.[studio]'",
    Fix.INSTALL_LSL: "pip install -c constraints.txt -e '.[lsl]'",
    Fix.INSTALL_HRV: "pip install -c constraints.txt -e '.[hrv]'",
    Fix.INSTALL_PARQUET: "pip install -c constraints.txt -e '.[parquet]', or write a .csv",
    Fix.INSTALL_TENSORBOARD: "pip install -c constraints.txt -e '.[tensorboard]'",
}

# a command in an advice: its verb, names, options with their values; no prose that follows
_COMMAND = re.compile(
    r'\bacq (?!again\b|devices\b|demo\b|firmware\b)[a-z][a-z-]+'
    r'(?: (?:\{of\}|--[a-z-]+'
    r'(?: (?:\{of\}|[A-Z0-9][\w.-]*|"[^"]*"|(?:bids|native|sessions)\b))?))*'
)

_CALIBRATIONS = (
    Fix.CALIBRATE, Fix.CALIBRATE_VIRTUAL, Fix.CALIBRATE_AGAIN, Fix.CALIBRATE_VIRTUAL_AGAIN,
)
_OF_SEVERAL = (Fix.RECOVER_OR_EXCLUDE, Fix.MOVE_AWAY)

# where the verb that was run makes another word the right one
_OF_VERB = {
    **dict.fromkeys(
        [("convert", fix) for fix in (
            Fix.CONVERT_AGAIN, Fix.EXPORT_PURE_AGAIN, Fix.EXPORT_FOR_AGAIN, Fix.EXPORT_BIDS_AGAIN,
        )], "run it again with --force",
    ),
    ("split", Fix.SPLIT_AGAIN): "run it again with --force",
    ("split", Fix.SPLIT_AND_CONVERT_AGAIN): "run it again with --force",
    ("card", Fix.WRITE_CARD_AGAIN): "run it again with --force",
    ("split", Fix.MOVE_AWAY):
        "move it away, or leave it out with acq exclude {of} --reason \"no recording\"",
    ("split", Fix.ALLOW_MIXED): "--mix-simulated uses both",
    ("import", Fix.FREE_SPACE):
        "free some, and the same command goes on; or name another folder with --data",
    ("export", Fix.ALLOW_OTHER_DATA): "name a run whose networks were trained together",
    ("calibrate", Fix.CALIBRATE_AGAIN): "run it again with --force",
    ("predict", Fix.NAME_FRAME_RATE): "name the rate, such as --fps 30, or the times with --times",
}

# by what stands on the page of the rig
_ON_PAGE = {
    Fix.CALIBRATE: "Calibrate with the LED, on this page",
    Fix.CALIBRATE_VIRTUAL: "Calibrate with the LED, on this page",
    Fix.CALIBRATE_AGAIN: "Calibrate with the LED again, on this page",
    Fix.CALIBRATE_VIRTUAL_AGAIN: "Calibrate with the LED again, on this page",
    Fix.SEE_LED_BETTER:
        "make the LED larger or brighter in the picture, dim the room, or choose more Times the "
        "LED is switched, such as {of}",
    Fix.SWITCH_LED_MORE: "choose more Times the LED is switched, such as {of}",
    Fix.MORE_LIGHT:
        "more light (auto-exposure halves the rate in the dark), or other Frames/s",
    Fix.CHOOSE_RATE: "choose Frames/s that the camera has",
    Fix.FEWER_FRAMES: "use a faster disk, or choose fewer Frames/s",
    Fix.LIST_DEVICES: "Look for devices lists what is plugged in",
    Fix.FIND_CAMERA: "plug one in, then Look for devices and choose it",
    Fix.FIND_PORT: "plug it in, then Look for devices and choose its port",
    Fix.NAME_PORT: "choose one of them at Port, after Look for devices",
    Fix.FLASH: "upload the firmware to it: acq firmware flash, in a terminal",
    Fix.NAME_FRAME_RATE:
        "start the studio with the rate in the camera's name, as in replay:VIDEO?fps=30",
    Fix.FREE_SPACE:
        "free some, choose a shorter Length, or start the studio with another data folder",
    Fix.CHOOSE_DATA_FOLDER: "start the studio with another data folder",
    Fix.CHOOSE_PROTOCOL: "choose another Protocol",
}


def advise(error: AcqError | OSError, verb: str) -> str:
    """Return one line: the facts of an error, and what to do in terms of the command line."""
    if not isinstance(error, AcqError):
        return _word_os_error(error)
    if isinstance(error, ResumeError):
        return in_data(word_resume(error))
    if not isinstance(error.fix, Fix):
        return str(error)
    return f"{error.facts}; {word_fix(error.fix, verb, of=error.of)}"


_NOT_WRITTEN = {
    errno.EROFS: "name a folder that may be written to", errno.ENOSPC: "make room there",
}


def _word_os_error(error: OSError) -> str:
    """Return one line: what the system refused, by the name that the file would have had."""
    if error.filename is None or error.strerror is None:
        return str(error)
    if error.filename == "<stdout>":
        return f"expected to write to stdout, found: {error.strerror}; send it elsewhere"
    name = str(error.filename)
    if error.errno == errno.ENAMETOOLONG:
        name = f"{name[:_LONGEST_NAME]}... ({len(name):,} characters)"
    if error.errno in _NOT_WRITTEN:
        return f"expected to write to {name}, found: {error.strerror}; {_NOT_WRITTEN[error.errno]}"
    return f"expected to use {name}, found: {error.strerror}; check the folder, or name another"


def word_fix(fix: Fix, verb: str, *, of: str = "") -> str:
    """Return what to do in terms of the command line, for the verb that was run."""
    words = _OF_VERB.get((verb, fix), _ADVICE[fix])
    if verb == PAGE or _is_for_page():
        words = _ON_PAGE.get(fix, words)
    words = _COMMAND.sub(r"\g<0>{data}", words)
    if fix in _CALIBRATIONS:
        words = words.replace("{data}", "{rig}{data}")
    # several ids of sessions need no quotes; the name of a subject or a folder may
    named = (of if fix in _OF_SEVERAL else shlex.quote(of)) if of else "SESSION"
    return words.format(of=named, data=data_option(_named_data()), rig=_camera_options())


def in_data(words: str) -> str:
    """Return an advice whose commands are of the data folder that this command line names."""
    option = data_option(_named_data())
    return _COMMAND.sub(lambda command: command[0] + option, words)


def _named_data() -> Path:
    """Return the data folder as the command line names it, or else the environment."""
    return Path(_given("--data") or os.environ.get("ACQ_DATA") or "data")


def _camera_options() -> str:
    """Return the camera and the rate of this command line: a calibration holds for both alone."""
    return "".join(
        f" {option} {shlex.quote(value)}" for option in ("--camera", "--fps")
        if (value := _given(option))
    )


def _given(option: str) -> str:
    """Return the value of an option as this command line has it; "" where it has none."""
    value, words = "", sys.argv[1:]
    for at, word in enumerate(words):
        if word == option:
            value = words[at + 1] if at + 1 < len(words) else value
        elif word.startswith(f"{option}="):
            value = word.removeprefix(f"{option}=")
    return value


def data_option(data: Path) -> str:
    """Return what names the data folder in a command; nothing for the usual one."""
    return "" if data == Path("data") else f" --data {shlex.quote(str(data))}"


def split_again(split: "Split") -> str:
    """Return the command that splits as a split is; which subjects K folds draw may be others."""
    if len(split.folds) > 1:
        return f"acq split --force --folds {len(split.folds)}"
    held = [f"--holdout {shlex.quote(name)}" for fold in split.folds for name in fold.test]
    return " ".join(["acq split --force", *held])


def without_hardware() -> str:
    """Return how to go on where there is no hardware."""
    if _is_for_page():
        return "try it without hardware: choose the virtual subject as Camera"
    return "try it without hardware, with --simulate"


def _is_for_page() -> bool:
    return all(os.environ.get(name) == value for name, value in FOR_PAGE.items())


_INTERRUPTED = {
    "record": "nothing was recorded",
    "simulate": "sessions that were whole are kept, and --force makes them again",
    "import": "what was whole is kept, and the same command goes on",
    "qc": "what was measured is kept, and the same command goes on",
    "convert": "curated folders that were whole are kept, and the same command goes on; an export "
               "(--for, --to) begins anew",
    "withdraw": "where anything was removed, the same command completes the withdrawal",
    "live": "nothing was read yet",
    "studio": "its pages no longer work; recordings are not touched by that",
    "demo": "what was made is kept, and --force begins anew",
    "firmware": "a board that was being written has to be written again",
}


_TRAINING: dict[Left, str] = {
    "nothing": "nothing was trained yet, nothing is kept",
    "to resume": "what is trained is kept: the same command with --resume goes on",
    "after an error":
        "what is trained is kept: once the error is mended, the same command with --resume goes on",
    "whole": "the run is whole: acq runs lists it",
}


def word_interrupt(verb: str, number: int, left: Left) -> str:
    """Return one line: what ended a verb, and what is left of its work; of a training, `left`."""
    how = {2: "interrupted", 15: "ended by SIGTERM", 1: "ended with its terminal"}.get(
        number, f"ended by signal {number}"
    )
    if verb == "train-kd":
        return f"{how}; {_TRAINING[left]}"
    return f"{how}; {_INTERRUPTED.get(verb, 'nothing half-made is left')}"


def word_kept(verb: str, left: Left) -> str:
    """Return one line: what an error left of a training; "" where that is nothing."""
    return _TRAINING[left] if verb == "train-kd" and left == "after an error" else ""
