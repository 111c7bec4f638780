"""Letters on their way back: one, many, by plans and by rules, and what became of them."""
