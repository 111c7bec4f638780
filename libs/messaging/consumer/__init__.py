"""Consumption of a stage's topics: fetching, the in-flight window, commits and rebalances."""
