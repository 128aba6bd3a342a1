"""The verbs of the command line, one file each: options in, one library call, a few lines out.

Only `acq.main` imports a verb; a verb imports its room inside itself.
"""
