"""Recordings through litellm, which has an environment of its own, and the targets that they are recordings of."""
