"""From the bytes of a file to its text: encodings and office documents."""
