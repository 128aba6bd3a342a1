"""Every hash of the curated set computed again and compared.

`acq verify` runs it; it only reads.
"""
