"""Sessions as a data set of the Brain Imaging Data Structure (BIDS): the finger beside the video.

It reads sessions and exclusions, and writes `data/bids`.
"""
