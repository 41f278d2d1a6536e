"""What a run showed: evidence, and how it is read."""
