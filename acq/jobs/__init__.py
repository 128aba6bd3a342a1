"""Jobs: verbs that run as processes of their own, begun, watched and cancelled by the studio.

A job outlives the studio that began it. `acq.studio` lists them; nothing here knows a page.
"""
