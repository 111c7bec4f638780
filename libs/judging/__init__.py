"""Judges: models that are asked whether what was said supports a claim."""
