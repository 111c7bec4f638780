"""Measures how well the checks distinguish true notes from false ones."""
