"""Networks of other papers, a file each, and the registry that finds them by name.

Only torch is needed; `models.nets` and every wing above may import them, they import no other.
"""
