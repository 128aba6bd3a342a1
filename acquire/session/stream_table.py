"""The tables of a stream that is recorded beside camera and sensor: its samples and clock offsets.

A stream's clock is its sender's. Its samples keep their stamps as they came, and its offsets keep
every measurement of that clock against the host's, so that it can be placed in time again.
"""

from dataclasses import dataclass

import numpy as np

from acquire import layout

MOST_CHANNELS = 512


@dataclass(frozen=True)
class StreamHeader:
    """What is known of a stream before its first sample."""

    name: str                   # of its group; letters, digits, - and _
    title: str                  # as its sender calls it
    kind: str                   # such as "Markers" or "EEG"
    channels: int               # numbers a sample; 0: text
    rate_hz: float              # nominal; 0: none
    source: str                 # id and host of its sender

    @property
    def sample_dtype(self) -> np.dtype:
        """Of a row of its samples."""
        value = ("value", "f8", (self.channels,)) if self.channels else ("text", "S256")
        return np.dtype([*layout.STREAM_FIELDS, value])

    @property
    def tables(self) -> dict[str, np.dtype]:
        """Its tables, by their name in the file."""
        return {
            layout.stream_samples(self.name): self.sample_dtype,
            layout.stream_offsets(self.name): layout.OFFSET_DTYPE,
        }
