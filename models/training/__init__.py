"""The training loop, its recipe and its resumable state.

Experiments call it; it uses nets, data, distillation and evaluation.
"""
