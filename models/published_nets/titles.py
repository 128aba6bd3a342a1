"""The titles of all networks here, found without torch: tables of runs are shown on boards too."""

from importlib.metadata import entry_points

CAN = "can"                 # the paper's own teacher, which no registry has
GROUP = "acq.networks"      # of entry points, by which other packages add networks

OWN_TITLES = {
    "deepphys": "DeepPhys", "tscan": "TS-CAN", "efficientphys": "EfficientPhys",
    "nowara": "inverse attention (Nowara)", "physnet": "PhysNet", "rppgnet": "rPPGNet",
    "physformer": "PhysFormer", "metarppg": "Meta-rPPG", "pulsegan": "PulseGAN",
    "synrhythm": "SynRhythm", "bousefsaf": "3D CNN (Bousefsaf)",
}


def titles() -> dict[str, str]:
    """Return the title of each network by name; one of another package is called by its name."""
    return OWN_TITLES | {
        entry.name: entry.name
        for entry in sorted(entry_points(group=GROUP), key=lambda entry: entry.name)
        if entry.name not in OWN_TITLES
    }
