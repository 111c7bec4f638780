"""Closed classes of English words that the checks compare: small tables, written by hand.

An installation without language models has to know these words by itself; each table says what
its words have in common, and nothing here is a dictionary.
"""
