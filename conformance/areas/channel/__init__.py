"""The clauses `channel.*`."""
