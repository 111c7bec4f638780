"""Server of a real language model on the CPU: an OpenAI-compatible endpoint on loopback."""
