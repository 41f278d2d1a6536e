"""Runs that fell short, to be looked at: those that are kept, and as the report of a shard carries them."""
