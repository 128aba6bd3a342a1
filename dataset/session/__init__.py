"""A session file, read: lazily, safely when unfinished or hostile, also while it grows.

Every room above reads sessions through it.
"""
