"""The pulse while frames come: a heart rate, or the state that prevents one; no torch.

A camera, a session that is being recorded, or a whole video delivers the frames.
"""
