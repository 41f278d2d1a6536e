"""The clauses `scope.*`."""
