"""The pulse from mean skin colours, by the formulas of the papers, each under its own name.

Evaluations use it. The five that live readings and fused rates are calibrated with stay as they are
in `dataset.signals.colour_methods`.
"""
