"""Gemini's generateContent, at Google AI Studio and on Vertex AI."""
