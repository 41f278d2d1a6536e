"""Models on Amazon Bedrock, each asked in its own form."""
