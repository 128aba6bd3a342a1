"""How numbers are put in words."""


def counted(count: int, noun: str) -> str:
    """Write `1 frame`, `2 frames`."""
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"
