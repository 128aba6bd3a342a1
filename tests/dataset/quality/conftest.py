"""One clean virtual session, measured once; and copies of it with other columns."""

from types import SimpleNamespace

import pytest

from acquire.simulation.sessions import SimulatedSession, simulate_session
from dataset.quality.measure import measure_session
from dataset.quality.video import scan_frames
from dataset.session.reader import Session
from tests.support.quality_sessions import LIMITS, measure_quality, with_columns

SECONDS = 42.0


@pytest.fixture(scope="session")
def virtual(tmp_path_factory):
    """A clean session, its columns, its quality and what was seen in its pictures."""
    path = simulate_session(
        SimulatedSession("S03", 0, 0, SECONDS, 25.0), tmp_path_factory.mktemp("clean")
    )
    seen = []
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(
            "dataset.quality.measure.scan_frames",
            lambda session: seen.append(scan_frames(session)) or seen[0],
        )
        quality, curves = measure_session(path, LIMITS)
    with Session(path) as session:
        names = [name for name in vars(session) if name.startswith(("ppg", "frame_"))]
        columns = SimpleNamespace(
            start_ns=session.started_monotonic_ns,
            **{name: getattr(session, name) for name in names},
        )
    return SimpleNamespace(
        path=path, quality=quality, curves=curves, columns=columns, pictures=seen[0]
    )


@pytest.fixture
def measured(virtual, monkeypatch):
    """Measure the session with other columns; its pictures are not looked at again."""
    monkeypatch.setattr("dataset.quality.measure.scan_frames", lambda session: virtual.pictures)

    def run(**columns):
        with with_columns(virtual.path, **columns):
            return measure_quality(virtual.path)

    return run
