"""Lab Streaming Layer: streams of other programs recorded beside ours, and ours sent to them.

The recorder enters. `library` alone imports pylsl, which the extra `lsl` installs and which brings
the library itself (liblsl) for common systems.
"""
