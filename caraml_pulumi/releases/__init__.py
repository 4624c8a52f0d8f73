"""Releases: the files that declare them, and what a stack's state has recorded of them."""
