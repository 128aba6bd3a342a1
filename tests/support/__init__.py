"""What tests share: devices that obey and that do not, sessions and runs made for a test."""

from pathlib import Path

REPO = Path(__file__).resolve().parents[2]
# real recordings; a test that needs them skips where they are not
SHARED = REPO.parent / "shared" / "data"
