"""The rig in a browser: what the devices deliver before a recording, and a recording that runs.

The devices are looked at in a process of its own, and a recording is `acq record` in another one: a
studio that ends takes no recording with it. Everything else is what `acq check`, `acq record` and
`acq live` call.
"""
