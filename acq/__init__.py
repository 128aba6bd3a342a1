"""The command line `acq`: one file per verb; options in, one library call, a few lines out."""
