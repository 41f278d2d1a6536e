"""The clauses `turn.*`."""
