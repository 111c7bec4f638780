"""What a sentence asserts: clauses, negation, factuality, which of two is which."""
