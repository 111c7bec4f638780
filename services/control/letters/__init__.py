"""Dead letters: their index, their causes, and what people decide about them."""
