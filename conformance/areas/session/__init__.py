"""The clauses `session.*`."""
