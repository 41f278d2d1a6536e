"""Checkpoints: a run written down in the middle, with its plan and its state, so that another can go on from there."""
