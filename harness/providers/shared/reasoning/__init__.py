"""Reasoning that goes back with the tool calls that it led to, in the two forms that providers have for it."""
