"""The clauses `envelope.*`."""
