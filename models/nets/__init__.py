"""The networks and their checkpoints.

Every wing that uses torch may import them; they import no data.
"""
