"""The published colour methods by name, the region that each reads, and how any method is run."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from dataset.signals.colour_methods import METHODS as USUAL
from dataset.signals.colour_methods import chrom, pos

from .projections import lgi, omit, pbv
from .regions import CENTRE, FOREHEAD, REGIONS, SKIN
from .separations import ica_poh, pca_lewandowska

ReadColours = Callable[[np.ndarray, float], np.ndarray]


@dataclass(frozen=True)
class PublishedMethod:
    """A way to read a pulse from the colours of a region."""

    read: ReadColours       # (T, 3) colours at an even rate [Hz] to a (T,) pulse
    region: str             # of `REGIONS`


METHODS: dict[str, PublishedMethod] = {
    "ica_poh": PublishedMethod(ica_poh, CENTRE),
    "pca_lewandowska": PublishedMethod(pca_lewandowska, FOREHEAD),
    "chrom_skin": PublishedMethod(chrom, SKIN),
    "pos_skin": PublishedMethod(pos, SKIN),
    "lgi": PublishedMethod(lgi, SKIN),
    "pbv": PublishedMethod(pbv, SKIN),
    "omit": PublishedMethod(omit, SKIN),
}
ALL_METHODS = (*USUAL, *METHODS)        # the usual ones first, as in every table


def read_pulse(
    name: str, colour: np.ndarray, regions: np.ndarray | None, fs_hz: float
) -> np.ndarray:
    """Return the pulse by any of `ALL_METHODS`, (T,); NaN where its region cannot be seen.

    Parameters
    ----------
    colour : (T, 3) mean colour of the face at an even rate
    regions : (T, 3, 3) of `regions.region_colours`, at the same times; None: only the usual methods
        can be run
    fs_hz : that rate [Hz]

    Raises
    ------
    ValueError : as the method's own; or it reads a region, and none is given
    """
    if name in USUAL:
        return USUAL[name](colour, fs_hz)
    method = METHODS[name]
    if regions is None:
        raise ValueError(f"expected the colours of the {method.region}, which {name} reads")
    seen = regions[:, REGIONS.index(method.region)]
    is_seen = np.isfinite(seen).all(axis=1)
    if not is_seen.any():
        return np.full(len(seen), np.nan)
    at = np.arange(len(seen))
    whole = np.stack([np.interp(at, at[is_seen], one[is_seen]) for one in seen.T], axis=1)
    return np.where(is_seen, method.read(whole, fs_hz), np.nan)
