"""What a recording, or the picture before one, tells the other programs of this user.

Each lies in one folder of this user: a socket for each recording, a lock for the devices that are
looked at before one. `acq record` and the studio meet here; neither waits for the other.
"""
