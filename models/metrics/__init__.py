"""Metrics of a pulse under the name of their definition: arrays in, numbers out.

Evaluations use it. The errors of heart rates are in `models.evaluation.metrics`.
"""
