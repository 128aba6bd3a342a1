"""Names, dtypes and units of everything in a session file, version 1, and of the folders around it.

The recorder writes with these names and `dataset.session.reader` reads with them; `docs/format.md`
describes them in prose and a test compares the two. All times are int64 nanoseconds on the host's
CLOCK_MONOTONIC, unless the name says `unix`.
"""


import numpy as np

SCHEMA = "acq-session"
SCHEMA_VERSION = 1

FRAMES = "video/frames"  # (N, H*3/2, W) uint8 I420, or (N, H, W, 3) uint8 RGB; one frame a chunk
FRAME_TIME = "video/time_ns"  # the camera's own stamp; the attribute time_meaning says of what
FRAME_ARRIVAL = "video/arrival_ns"   # when the host had the frame
# frame numbers from 0; a jump is a lost frame; told from the stamps where none counts
FRAME_SEQUENCE = "video/sequence"

PPG_VALUE = "ppg/value"              # sensor reading, full scale 65535
# the device's sample counter, going on over its restarts; a jump is a lost sample
PPG_SEQUENCE = "ppg/sequence"
# device ticks at the middle of the sample's window, unwrapped; boot n: from n * BOOT_TICKS
PPG_TICKS = "ppg/ticks"
PPG_ARRIVAL = "ppg/arrival_ns"       # when the host had the packet
PPG_TIME = "ppg/time_ns"             # middle of the window on the host clock, from `acquire.clock`
PPG_BOUND = "ppg/bound_ns"           # |time_ns - truth| is at most this; -1 while no bound is known
PPG_FLAGS = "ppg/flags"              # SAMPLE_* bits of `acquire.sensor.protocol`
# only of an imported session: the numbers as they were published, beside each sample
PUBLISHED = "ppg/published"

EXCHANGES = "sync/exchanges"  # every answered ping, raw, so that the session can be re-synchronised
CLOCKS = "sync/clocks"  # CLOCK_MONOTONIC beside CLOCK_MONOTONIC_RAW; older files have none
EVENTS = "events"                    # what happened, in words
# text of the event `stopped` where nobody asked for it; the event `fault` says which
FAULT = "a fault"

# a device that restarts counts anew: its nth boot of the session, from 0, begins here
BOOT_TICKS = 2**48

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
EXCHANGE_DTYPE = np.dtype(
    [("send_ns", "i8"), ("rx_ticks", "i8"), ("tx_ticks", "i8"), ("recv_ns", "i8"), ("id", "u2")]
)
PUBLISHED_DTYPE = np.dtype([("ppg", "f8"), ("hr_bpm", "f8"), ("spo2", "f8")])  # NaN where none was
CLOCK_DTYPE = np.dtype([("monotonic_ns", "i8"), ("raw_ns", "i8")])
EVENT_DTYPE = np.dtype([("time_ns", "i8"), ("kind", "S32"), ("text", "S256")])   # UTF-8

# Attributes of the root group.
ATTRS = (
    "schema", "schema_version", "session_id", "subject", "started_unix_ns", "started_monotonic_ns",
    "host", "acq_version", "simulated", "complete",
)
# And two that are written when it is closed: everything lost, behind the last row too; -1 until
# then, absent in older files.
LOSS_ATTRS = ("lost_frames", "lost_samples")
# And one that only `acq recover` writes: what it dropped.
RECOVERED_ATTR = "recovered"
# And one of a session that `acq import` made from a public data set: which; its samples' times
# carry no bound.
IMPORTED_ATTR = "imported_from"
# Attributes of /video/frames and of /ppg.
VIDEO_ATTRS = (
    "pixel_format", "width", "height", "nominal_fps", "camera", "pipeline", "time_meaning",
    "exposure",
)
# Of /video/frames where the rig was calibrated; `time_ns - light_offset_ns` is the middle of the
# exposure.
LIGHT_ATTRS = ("light_offset_ns", "light_offset_bound_ns", "light_offset_from")
PPG_ATTRS = ("sensor", "rate_hz", "tick_hz", "adc_bits", "protocol", "firmware", "boot_id", "port")
