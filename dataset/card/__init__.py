"""The dataset card: what a curated set holds, in Markdown and in the Croissant format.

Only `acq card` writes it; it reads manifests, splits and quality results.
"""
