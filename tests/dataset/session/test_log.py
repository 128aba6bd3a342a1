"""Events in, cues, marks and losses out."""

from dataset.session.log import (
    LOST_FRAMES,
    CueNote,
    Note,
    camera_notes,
    costly_first,
    losses_by_cause,
    read_log,
)
from dataset.session.reader import Event

START_NS = 7_000_000_000


def events(*rows):
    return [Event(START_NS + round(at_s * 1e9), kind, text) for at_s, kind, text in rows]


def test_cues_have_lengths_and_say_what_was_cut_short():
    log = read_log(events(
        (0.0, "cue_begin", "rest: Sit still"), (2.0, "cue_end", "rest"),
        (2.0, "cue_begin", "talk"), (5.5, "cue_end", "talk (cut short)"),
        (6.0, "cue_begin", "bike"),
    ), START_NS)
    assert log.cues == [
        CueNote(0.0, 2.0, "rest: Sit still", cut_short=False),
        CueNote(2.0, 3.5, "talk", cut_short=True),
        CueNote(6.0, None, "bike", cut_short=True),
    ]
    assert log.others == []


def test_a_mark_that_was_undone_is_left_out_and_another_of_its_name_is_not():
    log = read_log(events(
        (1.0, "mark", "mark"), (2.0, "mark", "mark"),
        (3.0, "mark_undone", f"mark at {START_NS + 2_000_000_000}"),
    ), START_NS)
    assert log.marks == [Note(1.0, "mark")]


def test_losses_are_totals_by_cause_and_places_are_none():
    rows = events(
        (1.0, LOST_FRAMES, "3 before frame 20"), (9.0, LOST_FRAMES, "3: storage fell behind"),
        (9.0, LOST_FRAMES, "41: camera silent"), (9.0, "lost_samples", "2: sensor silent"),
    )
    assert losses_by_cause(rows, LOST_FRAMES) == {"storage fell behind": 3, "camera silent": 41}


def test_what_nothing_else_contains_is_among_the_others():
    rows = events((0.5, "camera_reopened", "after 2 s"), (1.0, "bad_packets", "4 of them"))
    assert camera_notes(rows) == ["camera_reopened: after 2 s"]
    assert read_log(rows, START_NS).others == [Note(1.0, "bad_packets: 4 of them")]


def test_what_costs_data_is_told_before_changes_of_storage_and_by_time_within():
    rows = events(
        (0.0, "sensor_times", "told from arrivals"), (1.0, "storage_raw", "50 frames waiting"),
        (2.0, "storage_compressed", "0 frames waiting"), (3.0, "host_paused", "for 0.30 s"),
        (4.0, "storage_raw", "50 frames waiting"), (5.0, "sensor_lost", "the line was pulled"),
        (6.0, "sensor_back", "on /dev/ttyUSB0"), (7.0, "host_paused", "for 0.40 s"),
    )
    log = read_log(rows, START_NS)
    assert [note.at_s for note in costly_first(log.others)] == [5, 6, 3, 7, 0, 1, 2, 4]
    assert [note.at_s for note in log.others] == [0, 1, 2, 3, 4, 5, 6, 7]      # as in the file
