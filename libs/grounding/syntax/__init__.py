"""Syntax of a sentence: clauses, negation, factuality, directed relations."""
