"""Formats of files that several public sets share: columns of numbers, MATLAB's and HDF5's arrays.

The files of `dataset.public.readers` import them; they know no set.
"""
