"""A real language model on the CPU, behind an OpenAI-compatible endpoint on loopback."""
