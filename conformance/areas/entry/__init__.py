"""The clauses `entry.*`."""
