"""The heart rate of a window by several methods at once, with an interval or a reason; no torch.

The network's changes and the formulas that read the same frames' colours fail at different things,
so that what they agree on can be stood by.
"""
