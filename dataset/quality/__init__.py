"""What is measured of a session, the limits, and the grade that follows.

`grade` is the entrance of the verb that grades; pages, split, card and verify read `result`.
"""
