"""What every page of the studio goes through: access, headers, errors, the log of changes.

It knows nothing of sessions or runs; `acq.studio` holds the pages.
"""
