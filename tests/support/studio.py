"""What tests of the studio share: its app with a visitor who has the link."""

from starlette.testclient import TestClient

from acq.studio.app import build_app
from acq.web.access import Access

PORT = 8484
ORIGIN = f"http://127.0.0.1:{PORT}"

FOLLOW = f"ws://127.0.0.1:{PORT}/follow"


def visitor(data, *, access=None, enters=True):
    """Return a browser at the studio of a data folder; `enters`: it has opened the link."""
    access = access or Access(PORT)
    client = TestClient(build_app(data, access), base_url=ORIGIN, follow_redirects=False)
    client.headers["origin"] = ORIGIN
    if enters:
        client.get(f"/?token={access.token}")
    return client
