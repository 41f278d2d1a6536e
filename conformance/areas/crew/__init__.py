"""The clauses `entry.crew`."""
