"""Contact sensors beside our firmware, a file each behind one protocol (`kind.ContactSensor`).

None of them answers pings, so their samples are placed by their arrivals. Recorder, inventory and
the simulation enter; nothing here knows cameras or session files.
"""
