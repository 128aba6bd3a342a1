"""NeuroKit2, imported where it is used: that takes two seconds, and it comes with an extra."""

import warnings
from types import ModuleType


def load_neurokit() -> ModuleType:
    """Import NeuroKit2 (extra `hrv`), without the warning that it imports what scipy 2 removes."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "scipy.misc is deprecated", DeprecationWarning)
        import neurokit2
    return neurokit2
