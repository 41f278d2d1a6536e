"""The clauses `order.*`."""
