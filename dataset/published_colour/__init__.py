"""The pulse from colours as the papers have it: their regions, their detrending, their separation.

`methods.METHODS` names them, each with the region of the face that it reads. The methods of
`dataset.signals.colour_methods` read one region by one chain and stay as they are; these stand
beside them. Where a paper's text leaves a choice, or was not at hand, the docstring says what was
chosen. Anyone above `dataset.face` may read by them.
"""
