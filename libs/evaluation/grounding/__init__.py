"""Measures how well the checks tell true notes from false ones."""
