"""Hosts that speak OpenAI's chat completions."""
