"""Recorded requests, read back: what all wire formats have in common."""
