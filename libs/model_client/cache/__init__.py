"""Cached responses in PostgreSQL, and one call for equal requests in flight."""
