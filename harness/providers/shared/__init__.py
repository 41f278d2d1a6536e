"""What integrations share, whichever provider they speak to."""
