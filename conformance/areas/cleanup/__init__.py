"""The clauses `cleanup.*`."""
