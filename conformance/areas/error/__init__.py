"""The clauses `error.*`."""
