"""Humans in flows: asked what they think of a method's output, at once or later, and asked for input."""
