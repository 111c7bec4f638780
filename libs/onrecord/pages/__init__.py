"""Pages of text for people: what commands print."""
