"""Names, dtypes and units of everything in a session file, version 1.

The recorder writes with these names and `dataset.session.reader` reads with them; `docs/format.md`
describes them in prose and a test compares the two. All times are int64 nanoseconds on the host's
CLOCK_MONOTONIC, unless the name says `unix`.
"""

import numpy as np

SCHEMA = "acq-session"
SCHEMA_VERSION = 1

FRAMES = "video/frames"             # (N, H*3/2, W) I420 or (N, H, W, 3) RGB, uint8; one a chunk
FRAME_TIME = "video/time_ns"        # the camera's own stamp; attribute time_meaning: of what
FRAME_ARRIVAL = "video/arrival_ns"  # when the host had the frame
FRAME_SEQUENCE = "video/sequence"   # frame number from 0; a jump is a lost frame (*)

PPG_VALUE = "ppg/value"             # sensor reading, full scale 65535
PPG_SEQUENCE = "ppg/sequence"       # sample number, counts on over restarts; a jump is a loss
PPG_TICKS = "ppg/ticks"             # device ticks at the window's middle, unwrapped (**)
PPG_ARRIVAL = "ppg/arrival_ns"      # when the host had the packet
PPG_TIME = "ppg/time_ns"            # window's middle on the host clock, by `acquire.clock`
PPG_BOUND = "ppg/bound_ns"          # |time_ns - truth| is at most this; -1 where not known
PPG_FLAGS = "ppg/flags"             # SAMPLE_* bits of `acquire.sensor.protocol`
READING = "ppg/reading"             # sensors without a clock only: the numbers as they were sent
PUBLISHED = "ppg/published"         # imported sessions only: the numbers as they were published

EXCHANGES = "sync/exchanges"        # every answered ping, raw: a session can be synced again
CLOCKS = "sync/clocks"              # CLOCK_MONOTONIC and CLOCK_MONOTONIC_RAW; not in old files
SUSPENSIONS = "sync/suspensions"    # when the host was suspended; not in old files
STREAMS = "streams"                 # streams of other programs, a group each; in few files
EVENTS = "events"                   # what happened, in words

# (*)  Derived from the stamps where the camera does not count its frames.
# (**) A device that restarts counts anew: boot n of a session, from 0, begins at n * BOOT_TICKS.
BOOT_TICKS = 2**48

# Kind of the event that says that the lateness of all arrivals is in `delay_most_ns`.
ARRIVALS_LATE = "arrivals_late"
FAULT = "a fault"  # text of the event `stopped` where nobody asked for it; `fault` says which

COLUMNS = {                         # one-dimensional, growing, in the order they are written
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
EXCHANGE_DTYPE = np.dtype(
    [("send_ns", "i8"), ("rx_ticks", "i8"), ("tx_ticks", "i8"), ("recv_ns", "i8"), ("id", "u2")]
)
PUBLISHED_DTYPE = np.dtype([("ppg", "f8"), ("hr_bpm", "f8"), ("spo2", "f8")])  # NaN where none was
CLOCK_DTYPE = np.dtype([("monotonic_ns", "i8"), ("raw_ns", "i8")])
SUSPENSION_DTYPE = np.dtype([("before_ns", "i8"), ("after_ns", "i8"), ("slept_ns", "i8")])
# of a stream: the stamp of its sender's clock, and where that lies on the session's
STREAM_FIELDS = (("stamp_s", "f8"), ("arrival_ns", "i8"), ("time_ns", "i8"), ("bound_ns", "i8"))
OFFSET_DTYPE = np.dtype([
    ("read_ns", "i8"), ("remote_s", "f8"), ("offset_s", "f8"), ("uncertainty_s", "f8"),
    ("local_ns", "i8"), ("local_bound_ns", "i8"),
])
READING_DTYPE = np.dtype("f8")
EVENT_DTYPE = np.dtype([("time_ns", "i8"), ("kind", "S32"), ("text", "S256")])   # UTF-8

# Attributes of the root group.
ATTRS = (
    "schema", "schema_version", "session_id", "subject", "started_unix_ns", "started_monotonic_ns",
    "host", "acq_version", "simulated", "complete",
)
# Root attributes of a closed file: every loss, also behind the last row. -1 in a file that was
# not closed; absent in older files.
LOSS_ATTRS = ("lost_frames", "lost_samples")
RECOVERED_ATTR = "recovered"        # root attribute of a recovered file: what was dropped
IMPORTED_ATTR = "imported_from"     # root attribute of an imported session; its times have no bound
# Attributes of /video/frames.
VIDEO_ATTRS = (
    "pixel_format", "width", "height", "nominal_fps", "camera", "pipeline", "time_meaning",
    "exposure",
)
# Attributes of /video/frames where the rig was calibrated; `time_ns - light_offset_ns` is the
# middle of the exposure.
LIGHT_ATTRS = ("light_offset_ns", "light_offset_bound_ns", "light_offset_from")
# Attributes of /ppg.
PPG_ATTRS = ("sensor", "rate_hz", "tick_hz", "adc_bits", "protocol", "firmware", "boot_id", "port")
# Attributes of /ppg where the sensor has no clock, and its samples are placed by their arrivals.
ARRIVAL_ATTRS = ("line_ns", "spacing_ns", "delay_most_ns", "delay", "unseen_losses")
# Attributes of /ppg beside /ppg/reading: which reading is the value 0, and which 65535. Not in
# older files. They change where readings went beyond them while recording.
SCALE_ATTRS = ("scale_low", "scale_high")
# Attributes of the group of a stream.
STREAM_ATTRS = ("title", "kind", "channels", "nominal_hz", "source")


def stream_samples(name: str) -> str:
    """Return the table of a stream's samples."""
    return f"{STREAMS}/{name}/samples"


def stream_offsets(name: str) -> str:
    """Return the table of the offsets of its sender's clock, as measured."""
    return f"{STREAMS}/{name}/offsets"
