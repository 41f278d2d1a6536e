"""What a model gives: parts, put together to an answer, and what it used."""
