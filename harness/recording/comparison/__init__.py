"""Two timelines side by side: what of them must be equal, and where they differ."""
