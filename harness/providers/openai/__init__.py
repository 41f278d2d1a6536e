"""OpenAI's chat completions and Responses, and the hosts that speak its format."""
