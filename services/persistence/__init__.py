"""Service that stores transcripts and notes in PostgreSQL."""
