"""Networks that predict a heart rate and no pulse: by regression, and by classes.

The registry imports them; they import `..spec` and `..losses`, and no other wing.
"""
