"""A session's grade as `acq qc` leaves it beside the recording, without measuring."""

from dataset.quality.result import Flag, SessionQuality, write_quality


def write_grade(path, subject, *, about="", session_hash="0" * 64):
    """Write what acq qc would."""
    flags = (Flag("duplicate", "warning", None, None, 1.0, 0.9, about),) if about else ()
    write_quality(
        path,
        SessionQuality(
            path.stem, subject, session_hash, False, 4.0, "good", flags, {},
            limits_hash="1" * 64, acq_version="0.1.0",
        ),
    )
