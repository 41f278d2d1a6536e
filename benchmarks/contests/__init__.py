"""The contests, one module for each kind of work."""
