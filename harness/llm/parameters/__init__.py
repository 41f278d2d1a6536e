"""What LLMs are given and tell again: names of settings, plain configurations, the windows of models."""
