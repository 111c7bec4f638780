"""The service that stores transcripts and notes in PostgreSQL."""
