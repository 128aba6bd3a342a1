"""Numbers as JSON has them: it has no word for NaN and infinity."""

from typing import Any


def finite(value: Any) -> Any:
    """Replace NaN and infinity by null, and tuples by lists, all the way down."""
    if isinstance(value, dict):
        return {key: finite(one) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return [finite(one) for one in value]
    return None if isinstance(value, float) and value - value != 0 else value
