"""Dead letters and retry topics: which failed message goes where, with which headers."""
