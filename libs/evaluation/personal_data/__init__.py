"""Measures how much personal data is found in texts in which it is marked."""
