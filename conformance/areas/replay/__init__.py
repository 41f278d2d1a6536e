"""The clauses `replay.*`."""
