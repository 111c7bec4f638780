"""Plain text: lines with names, with times, or with both."""
