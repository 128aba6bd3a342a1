"""A file of a face read whole, both ways in time: heart rates from the first frame on; no torch.

`acq predict` enters by `read.read_whole`; what its rates are held against is made in `reference`.
"""
