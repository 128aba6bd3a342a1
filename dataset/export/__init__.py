"""The sessions of the split for other tools, in the layouts and at the rate that these read.

An export is made whole, checked and put into place at once. acq itself trains on what
`dataset.convert` writes; only `withdraw`, `verify` and the commands come here.
"""
