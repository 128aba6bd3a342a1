"""Identities of sessions that were never recorded."""

from dataset.selection.identities import SessionIdentity


def identities(*subjects, simulated=False):
    return [
        SessionIdentity(f"{s}-{i}", s, f"sessions/{s}/{i}.h5", f"{i}", simulated, True)
        for i, s in enumerate(subjects)
    ]
