"""Words that sentences for people share."""


def counted(count: int, noun: str) -> str:
    """Return `1 frame`, `2 frames`."""
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"
