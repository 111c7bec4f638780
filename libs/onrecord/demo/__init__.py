"""The demos: the samples through the whole system, from start to stop."""
