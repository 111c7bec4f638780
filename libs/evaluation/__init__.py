"""Measures how good the checks, the personal-data finder and the transcript readers are.

Nothing here is used in production: it runs the libraries on data of which the right answer is
known, and compares the figures with goals. ``onrecord eval`` prints them.
"""
