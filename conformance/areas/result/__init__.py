"""The clauses `result.*`."""
