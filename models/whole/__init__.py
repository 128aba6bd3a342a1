"""A file of a face read whole, both ways in time: heart rates from the first frame on; no torch."""
