"""The pages of the studio, and what they ask of the rooms below.

`acq studio` builds them; they call what the verbs call, and decide nothing themselves.
"""
