"""This runtime as subjects of other kinds, which processes find by their addresses."""
