"""What is in and what is out: exclusions, and the split into subjects that train and test.

Everything downstream of a session reads these two files and never decides by itself.
"""
