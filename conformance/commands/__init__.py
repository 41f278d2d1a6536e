"""The commands that judge."""
