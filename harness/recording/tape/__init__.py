"""A tape: what is played, what is taken down, and how requests find their answers."""
