"""How long-running work reports its progress."""

from collections.abc import Callable

OnProgress = Callable[[str, int, int], None]   # stage, done, total
