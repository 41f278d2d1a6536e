"""Processes in which scenarios are performed and recordings replayed."""
