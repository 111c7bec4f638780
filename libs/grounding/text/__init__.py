"""Text as words, terms and sentences, and the alignment of a statement with its evidence."""
