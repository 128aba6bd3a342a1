"""Drawn people: clips of 36x36 frames, drawn anew for each batch, to train networks on.

`acquire.simulation` renders whole pictures as a camera would deliver them, 50 a second. Here only
what the networks see is drawn, thousands of frames a second: no two batches show the same person,
so nobody can be learnt by heart. May import from `acquire.simulation`, `models.data`, `models.nets`
and `models.training`.
"""
