"""The clauses `namespace.*`."""
