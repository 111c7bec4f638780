"""Malformed transcripts in great numbers: read soundly, or refused with a typed error."""
