"""Heart rates and errors of networks and colour methods, compared per window and per video.

Experiments use it; it trains nothing.
"""
