"""The pulse while frames come: one window, states in words.

`acq live`, `predict` and `record --live` use it; torch stays out.
"""
