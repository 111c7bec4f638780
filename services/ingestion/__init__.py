"""Reads interviews in any supported format and cuts them into chunks for the model."""
