"""Consistency: one person under one subject, and derived data that are of today.

Whoever splits, reads curated folders or verifies asks here; nothing here changes a file but the
split. It looks into selection, quality and layouts; convert, card, verify and models come here.
"""
