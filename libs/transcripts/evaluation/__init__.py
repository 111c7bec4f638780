"""Measures of the readers: what they make of files whose turns are known another way."""
