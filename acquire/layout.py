"""Names, dtypes and units of everything in a session file, version 1, and of the folders around it.

The recorder writes with these names and `dataset.session.reader` reads with them; `docs/format.md` describes them in prose and
a test compares the two. All times are int64 nanoseconds on the host's CLOCK_MONOTONIC, unless the name says `unix`.
"""

import re
from pathlib import Path

import numpy as np

SCHEMA = "acq-session"
SCHEMA_VERSION = 1

FRAMES = "video/frames"              # (N, H*3/2, W) uint8 I420, or (N, H, W, 3) uint8 RGB; one frame a chunk
FRAME_TIME = "video/time_ns"         # the camera's own stamp; the attribute time_meaning says of what
FRAME_ARRIVAL = "video/arrival_ns"   # when the host had the frame
FRAME_SEQUENCE = "video/sequence"    # frame numbers from 0; a jump is a lost frame; told from the stamps where none counts

PPG_VALUE = "ppg/value"              # sensor reading, full scale 65535
PPG_SEQUENCE = "ppg/sequence"        # the device's sample counter, going on over its restarts; a jump is a lost sample
PPG_TICKS = "ppg/ticks"              # device ticks at the middle of the sample's window, unwrapped; boot n: from n * BOOT_TICKS
PPG_ARRIVAL = "ppg/arrival_ns"       # when the host had the packet
PPG_TIME = "ppg/time_ns"             # middle of the window on the host clock, from `acquire.clock`
PPG_BOUND = "ppg/bound_ns"           # |time_ns - truth| is at most this; -1 while no bound is known
PPG_FLAGS = "ppg/flags"              # SAMPLE_* bits of `acquire.sensor.protocol`
PUBLISHED = "ppg/published"          # only of an imported session: the numbers as they were published, beside each sample

EXCHANGES = "sync/exchanges"         # every answered ping, raw, so that the session can be re-synchronised
CLOCKS = "sync/clocks"               # CLOCK_MONOTONIC beside CLOCK_MONOTONIC_RAW; older files have none
EVENTS = "events"                    # what happened, in words
FAULT = "a fault"                    # text of the event `stopped` where nobody asked for it; the event `fault` says which

BOOT_TICKS = 2**48                   # a device that restarts counts anew: its nth boot of the session, from 0, begins here

COLUMNS = {                          # one-dimensional, growing, in the order they are written
    FRAME_TIME: np.dtype("i8"),
    FRAME_ARRIVAL: np.dtype("i8"),
    FRAME_SEQUENCE: np.dtype("i8"),
    PPG_VALUE: np.dtype("u2"),
    PPG_SEQUENCE: np.dtype("i8"),
    PPG_TICKS: np.dtype("i8"),
    PPG_ARRIVAL: np.dtype("i8"),
    PPG_TIME: np.dtype("i8"),
    PPG_BOUND: np.dtype("i8"),
    PPG_FLAGS: np.dtype("u1"),
}
EXCHANGE_DTYPE = np.dtype([("send_ns", "i8"), ("rx_ticks", "i8"), ("tx_ticks", "i8"), ("recv_ns", "i8"), ("id", "u2")])
PUBLISHED_DTYPE = np.dtype([("ppg", "f8"), ("hr_bpm", "f8"), ("spo2", "f8")])        # NaN where none was
CLOCK_DTYPE = np.dtype([("monotonic_ns", "i8"), ("raw_ns", "i8")])
EVENT_DTYPE = np.dtype([("time_ns", "i8"), ("kind", "S32"), ("text", "S256")])   # UTF-8

# Attributes of the root group.
ATTRS = (
    "schema", "schema_version", "session_id", "subject", "started_unix_ns", "started_monotonic_ns", "host",
    "acq_version", "simulated", "complete",
)
# And two that are written when it is closed: everything lost, behind the last row too; -1 until then, absent in older files.
LOSS_ATTRS = ("lost_frames", "lost_samples")
# And one that only `acq recover` writes: what it dropped.
RECOVERED_ATTR = "recovered"
# And one of a session that `acq import` made from a public data set: which; its samples' times carry no bound.
IMPORTED_ATTR = "imported_from"
# Attributes of /video/frames and of /ppg.
VIDEO_ATTRS = ("pixel_format", "width", "height", "nominal_fps", "camera", "pipeline", "time_meaning", "exposure")
# Of /video/frames where the rig was calibrated; `time_ns - light_offset_ns` is the middle of the exposure.
LIGHT_ATTRS = ("light_offset_ns", "light_offset_bound_ns", "light_offset_from")
PPG_ATTRS = ("sensor", "rate_hz", "tick_hz", "adc_bits", "protocol", "firmware", "boot_id", "port")

SUBJECT = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,31}")
SESSION = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,63}")
SESSION_SUFFIX = ".h5"
CARD = "card.md"


def is_subject_id(text: str) -> bool:
    """Say whether `text` may name a subject: a pseudonym that is safe as a folder name."""
    return SUBJECT.fullmatch(text) is not None


def is_session_id(text: str) -> bool:
    """Say whether `text` may name a session: safe as a file name."""
    return SESSION.fullmatch(text) is not None


def sessions_dir(data: Path) -> Path:
    """Give the folder that holds one folder of recordings per subject."""
    return data / "sessions"


def session_files(data: Path) -> list[Path]:
    """List every recording under `data`, sorted by subject folder and name; one that is still growing too."""
    return sorted(sessions_dir(data).glob(f"*/*{SESSION_SUFFIX}"))


def subject_file(data: Path, subject: str) -> Path:
    """Give the path of what is noted of a subject, beside the recordings."""
    return sessions_dir(data) / subject / "subject.json"


def quality_file(session_file: Path) -> Path:
    """Give the path of what `acq qc` says of a session, beside it."""
    return session_file.with_suffix(".qc.json")


def quality_dir(data: Path) -> Path:
    """Give the folder of the pages that show the sessions' quality."""
    return data / "qc"


def exclusions_file(data: Path) -> Path:
    """Give the path of what a curator took out."""
    return data / "exclusions.json"


def split_file(data: Path) -> Path:
    """Give the path of the subject-disjoint split."""
    return data / "split.json"


def rig_file(data: Path) -> Path:
    """Give the path of the rig's calibration."""
    return data / "rig.json"


def ubfc_dir(data: Path) -> Path:
    """Give the root of the curated folders in the UBFC-rPPG layout."""
    return data / "ubfc"


def card_file(data: Path) -> Path:
    """Give the path of the dataset card for people."""
    return ubfc_dir(data) / CARD


def croissant_file(data: Path) -> Path:
    """Give the path of the dataset card for programs, in the Croissant format."""
    return ubfc_dir(data) / "croissant.json"


def withdrawals_file(data: Path) -> Path:
    """Give the path of the record of withdrawals; it names nobody."""
    return data / "withdrawals.json"


def pure_dir(data: Path) -> Path:
    """Give the root of the curated folders in the PURE layout."""
    return data / "pure"


def frames_cache(data: Path) -> Path:
    """Give the folder in which averaged frames are kept; deleting it is always safe."""
    return data / "cache" / "frames"


def runs_dir(data: Path) -> Path:
    """Give the folder of training runs."""
    return data / "runs"
