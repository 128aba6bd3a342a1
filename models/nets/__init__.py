"""The networks and their checkpoints.

Every wing that holds torch may use them; they know no data.
"""
