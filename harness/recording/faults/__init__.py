"""Faults done to recorded answers."""
