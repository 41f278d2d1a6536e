"""What litellm reaches, in an environment of its own."""
