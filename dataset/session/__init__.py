"""Sessions, read: lazily, safely where a file is unfinished or hostile, also while it grows.

Every wing above reads recordings through it; it imports only signals and common.
"""
