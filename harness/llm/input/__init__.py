"""What a model is given: messages and what they are made of."""
