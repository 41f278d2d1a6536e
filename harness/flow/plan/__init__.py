"""What a run has done and has still to do, in plain values."""
