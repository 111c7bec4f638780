"""Drift of models, prompts and producers: observed, found, and attributed to a side."""
