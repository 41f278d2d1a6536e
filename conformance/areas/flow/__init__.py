"""The clauses `flow.*`."""
